/** The first format. Plain columns and JSON as text, so that the same queries run on any database. */
export const migration0001 = `
create table meta (name text primary key, value text not null) strict, without rowid;

create table resource (
  kind text not null, name text not null, metadata text not null, spec text not null, digest text not null, version integer not null,
  source_file text not null, source_line integer not null, applied_at integer not null, git_commit text, fingerprints text not null,
  active_from integer,
  primary key (kind, name)) strict;
create table resource_history (
  kind text not null, name text not null, serial integer not null, body text,
  primary key (kind, name, serial)) strict;
create table generation (serial integer primary key, at integer not null, actor text not null, apply_id text, changes text not null) strict;

create table journal (seq integer primary key autoincrement, apply_id text not null, type text not null, body text not null, digest text not null) strict;
create index journal_type on journal (type, apply_id);
create index journal_apply on journal (apply_id, type);

create table lease (
  name text primary key, owner text, epoch integer not null, purpose text not null, acquired_at integer not null,
  renewed_at integer not null) strict, without rowid;

create table run (
  id text primary key, activation text not null, segment text not null, slot integer, mode text not null, status text not null,
  step text not null, attempt integer not null, epoch integer not null, counts text not null, files text not null, "import" text,
  started_at integer not null, ended_at integer, error text, earlier text, work text not null, target text, owner text,
  heartbeat_at integer not null) strict;
create unique index run_slot on run (activation, segment, slot) where slot is not null;
create index run_pair on run (activation, segment, started_at);
create index run_started on run (started_at);
create index run_status on run (status, activation, segment);
create index run_target on run (target, status);

create table snapshot (
  activation text not null, segment text not null, path text not null, run_id text not null references run (id), slot integer not null,
  members integer not null, keys text not null, target text not null,
  primary key (activation, segment)) strict, without rowid;
create table delivery (
  target text not null, path text not null, run_id text not null, sha256 text not null,
  primary key (target, path)) strict, without rowid;
`;
