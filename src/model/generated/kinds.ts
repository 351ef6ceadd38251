// Generated from schemas/ by `npm run generate`; do not edit.
export type ActivationSegmentEntry = string | ActivationSegmentSpec;
/**
 * full: everybody, each time. incremental: everybody first, then who joined or left.
 */
export type ExportModeSpec = 'full' | 'incremental';
export type MappingEntry = SourceMappingEntry | ExpressionMappingEntry;
/**
 * sha256: the normalised value’s SHA-256, in hex.
 */
export type TransformSpec = 'sha256';
/**
 * When. In UTC unless a timezone says otherwise; the end is excluded.
 */
export type ScheduleSpec = EveryScheduleSpec | OnceScheduleSpec | CronScheduleSpec | AfterScheduleSpec;
export type AlertEvent =
  | 'flow-run-start'
  | 'flow-run-success'
  | 'flow-run-failure'
  | 'flow-run-delay'
  | 'activation-skipped-rate-exceeded'
  | 'slot-missed'
  | 'guard-held'
  | 'drift-found';
export type ChannelSpec = WebhookChannelSpec | EmailChannelSpec | SlackChannelSpec;
/**
 * A secret, never a literal: {env: NAME} reads an environment variable, {file: PATH} a file (relative to the project).
 */
export type SecretSpec =
  | {
      /**
       * Name of the environment variable.
       */
      env: string;
    }
  | {
      /**
       * Path of the file, relative to the project. A final line break is not part of the secret.
       */
      file: string;
    };
/**
 * decimal is exact and keeps the source’s digits; decimal(p,s) fixes them.
 */
export type FieldTypeName = string;
export type ElementTypeSpec = FieldTypeName | NestedTypeSpec;
/**
 * The type of the events: the same for all, or a column.
 */
export type EventTypeSpec =
  | {
      /**
       * The same for all.
       */
      value: string;
    }
  | {
      /**
       * The column that says it.
       */
      column: string;
    };
/**
 * Where files go.
 */
export type StorageSpec = LocalStorageSpec | SftpStorageSpec | S3StorageSpec | AzureBlobStorageSpec | GcsStorageSpec;
/**
 * How to log in.
 */
export type AuthSpec = ImsAuthSpec | UserAuthSpec | SessionAuthSpec | BearerAuthSpec | HeaderAuthSpec;
export type PolicySpec = DataUsagePolicySpec | ConsentPolicySpec;
export type DenySpec =
  | {
      /**
       * A label.
       */
      label: string;
    }
  | {
      /**
       * How the operands join.
       */
      operator: 'AND' | 'OR';
      /**
       * The parts.
       *
       * @minItems 1
       */
      operands: DenySpec[];
    };
/**
 * Where the state lives: sqlite:PATH, or {env: NAME} for an address that holds a password.
 */
export type StateSpec = string | SecretSpec;
export type PermissionSpec =
  | 'view-destinations'
  | 'manage-destinations'
  | 'activate-destinations'
  | 'activate-segment-without-mapping'
  | 'view-profiles'
  | 'manage-profiles'
  | 'view-segments'
  | 'manage-segments'
  | 'evaluate-segments'
  | 'view-identity-graph'
  | 'view-datasets'
  | 'manage-datasets'
  | 'view-schemas'
  | 'manage-schemas'
  | 'apply-data-usage-labels'
  | 'view-data-usage-policies'
  | 'manage-data-usage-policies'
  | 'view-user-activity-log'
  | 'view-alerts'
  | 'view-alerts-history'
  | 'resolve-alerts'
  | 'manage-alerts';
export type SubjectSpec =
  | {
      /**
       * A person.
       */
      user: string;
    }
  | {
      /**
       * A group.
       */
      group: string;
    };
export type SourceSpec = DuckdbSourceSpec | WarehouseSourceSpec;

export interface ActivationSpec {
  /**
   * The Destination.
   */
  destination: string;
  /**
   * The Segments; each gets files of its own.
   *
   * @minItems 1
   */
  segments: ActivationSegmentEntry[];
  /**
   * The columns, in file order.
   *
   * @minItems 1
   */
  mapping: MappingEntry[];
  export?: ExportModeSpec;
  schedule?: ScheduleSpec;
  /**
   * Which of the slots that passed while nothing ran are made up for.
   */
  missed?: 'latest' | 'skip' | 'all';
  file?: FileSpec;
  guards?: ActivationGuardsSpec;
  /**
   * No slot is due while true.
   */
  suspend?: boolean;
}
/**
 * A segment with settings of its own, merged key by key into the activation’s.
 */
export interface ActivationSegmentSpec {
  /**
   * The Segment.
   */
  name: string;
  schedule?: ScheduleOverrideSpec;
  export?: ExportModeSpec;
  file?: FileSpec;
}
/**
 * Keys to change; naming another of every, once, cron, after replaces the schedule.
 */
export interface ScheduleOverrideSpec {
  /**
   * The interval.
   */
  every?: '3h' | '6h' | '8h' | '12h' | '24h';
  /**
   * Time of the first slot of the grid, UTC.
   */
  at?: string;
  /**
   * The one slot.
   */
  once?: string;
  /**
   * Minute, hour, day of month, month, day of week.
   */
  cron?: string;
  /**
   * IANA name.
   */
  timezone?: string;
  /**
   * After each `reconcile evaluate`.
   */
  after?: 'evaluation';
  /**
   * First day.
   */
  start?: string;
  /**
   * The day after the last.
   */
  end?: string;
}
/**
 * How the files are named and written.
 */
export interface FileSpec {
  /**
   * Tokens: %DESTINATION%, %SEGMENT_ID%, %SEGMENT_NAME%, %DATETIME(YYYYMMdd_HHmmss)%, %TIMESTAMP%. The extension comes by itself. Without a time token each export replaces the one before.
   */
  name?: string;
  /**
   * Of the files.
   */
  format?: 'csv' | 'json' | 'parquet';
  /**
   * Of the files.
   */
  compression?: 'none' | 'gzip' | 'zstd';
  csv?: CsvWriteSpec;
  json?: JsonWriteSpec;
  /**
   * Most rows of one file; more go to _2, _3 …
   */
  maxRows?: number;
  /**
   * Write manifest-<destination>-<run id>.json beside, last.
   */
  manifest?: boolean;
  /**
   * Write checksums-<destination>-<run id>.sha256 beside, for `sha256sum -c`, after the files.
   */
  checksums?: boolean;
  /**
   * Order the rows by the primary identity.
   */
  sort?: boolean;
}
/**
 * Options of CSV files.
 */
export interface CsvWriteSpec {
  /**
   * Between the values.
   */
  delimiter?: string;
  /**
   * Around values that need it; "" for none: then a run fails over a value that holds the delimiter or a line break.
   */
  quote?: string;
  /**
   * Before a quote inside a value; the quote itself doubles it.
   */
  escape?: string;
  /**
   * What NULL is written as.
   */
  nullValue?: string;
  /**
   * What the empty string is written as.
   */
  emptyValue?: string;
  /**
   * The first line of every part names the columns.
   */
  header?: boolean;
  /**
   * Quote every value.
   */
  quoteAll?: boolean;
  /**
   * Letters YYYY MM DD.
   */
  dateFormat?: string;
  /**
   * Letters YYYY MM DD HH mm ss; Z is the letter.
   */
  timestampFormat?: string;
  /**
   * Between the rows.
   */
  lineEnding?: 'LF' | 'CRLF';
  /**
   * UTF-8 without a mark.
   */
  encoding?: 'UTF-8';
}
/**
 * Options of JSON files.
 */
export interface JsonWriteSpec {
  /**
   * One array instead of one object a line.
   */
  array?: boolean;
}
export interface SourceMappingEntry {
  /**
   * An attribute’s path, identityMap.NAMESPACE, or segmentMembership.status.
   */
  source: string;
  /**
   * The column’s name; default: the source with . as _.
   */
  target?: string;
  /**
   * A row without it is excluded. An identity is mandatory by itself.
   */
  mandatory?: boolean;
  /**
   * Part of the deduplication key: one or two attributes. An identity is the key by itself.
   */
  key?: boolean;
  transform?: TransformSpec;
  expect?: ExpectSpec;
}
/**
 * What the column’s values must be.
 */
export interface ExpectSpec {
  /**
   * There is a value.
   */
  notNull?: boolean;
  /**
   * No value occurs twice in the file.
   */
  unique?: boolean;
  /**
   * A regular expression that the value matches.
   */
  pattern?: string;
  /**
   * Bounds of a number, a date or a time, both included.
   */
  range?: {
    /**
     * The least value.
     */
    min?: number | string;
    /**
     * The greatest value.
     */
    max?: number | string;
  };
  /**
   * The allowed values.
   *
   * @minItems 1
   */
  values?: (string | number | boolean)[];
  /**
   * What becomes of rows that are not so. exclude: they are left out and counted by reason. hold: the run is held.
   */
  otherwise?: 'exclude' | 'hold';
}
export interface ExpressionMappingEntry {
  /**
   * A PQL value.
   */
  expression: string;
  /**
   * The column’s name.
   */
  target: string;
  /**
   * A row without it is excluded.
   */
  mandatory?: boolean;
  /**
   * Part of the deduplication key.
   */
  key?: boolean;
  transform?: TransformSpec;
  expect?: ExpectSpec;
}
export interface EveryScheduleSpec {
  /**
   * The interval. Full exports: 24h.
   */
  every: '3h' | '6h' | '8h' | '12h' | '24h';
  /**
   * Time of the first slot of the grid, UTC.
   */
  at?: string;
  /**
   * First day; default: the day of the first apply.
   */
  start?: string;
  /**
   * The day after the last.
   */
  end?: string;
}
export interface OnceScheduleSpec {
  /**
   * The one slot.
   */
  once: string;
}
export interface CronScheduleSpec {
  /**
   * Minute, hour, day of month, month, day of week.
   */
  cron: string;
  /**
   * IANA name.
   */
  timezone?: string;
  /**
   * First day; default: the day of the first apply.
   */
  start?: string;
  /**
   * The day after the last.
   */
  end?: string;
}
export interface AfterScheduleSpec {
  /**
   * After each `reconcile evaluate`. Full exports only.
   */
  after: 'evaluation';
  /**
   * First day.
   */
  start?: string;
  /**
   * The day after the last.
   */
  end?: string;
}
/**
 * Hold a run that looks wrong.
 */
export interface ActivationGuardsSpec {
  /**
   * Most members that may leave since the last run, in percent; counts from 100 recorded members on.
   */
  maxRemovedPercent?: number;
  /**
   * Fewest members.
   */
  minMembers?: number;
  /**
   * Most members that may join since the last run, in percent of the recorded ones; counts from 100 recorded members on. Absent: any number.
   */
  maxAddedPercent?: number;
  /**
   * Most rows that the profiles’ dataset may have lost since the last successful run, in percent; counts from 100 rows on. Absent: any number.
   */
  maxSourceShrinkPercent?: number;
  /**
   * How old the newest event may be at the time of the run, such as 48h; nor may it be older than what the last successful run has seen. Absent: any age.
   */
  maxSourceAge?: string;
}
export interface AlertSpec {
  /**
   * What to tell.
   *
   * @minItems 1
   */
  on: AlertEvent[];
  /**
   * Of which Activations; default: all.
   *
   * @minItems 1
   *
   * Items: 1 to 63 lower-case letters, digits and inner hyphens. References are by this name, per kind.
   */
  activations?: string[];
  thresholds?: AlertThresholdsSpec;
  /**
   * How to tell.
   *
   * @minItems 1
   */
  channels: ChannelSpec[];
}
/**
 * When a run is late, or skips too much.
 */
export interface AlertThresholdsSpec {
  /**
   * A run that takes longer is delayed.
   */
  delay?: string;
  /**
   * Excluded rows in percent of all.
   */
  skippedRate?: string;
}
export interface WebhookChannelSpec {
  type: 'webhook';
  url: SecretSpec;
  secret?: SecretSpec;
}
export interface EmailChannelSpec {
  type: 'email';
  /**
   * Who gets it.
   *
   * @minItems 1
   */
  to: string[];
  /**
   * Who sends it.
   */
  from?: string;
  smtp: SmtpSpec;
}
export interface SmtpSpec {
  url: SecretSpec;
}
export interface SlackChannelSpec {
  type: 'slack';
  url: SecretSpec;
}
export interface AttributesSpec {
  /**
   * The Source that holds the profiles.
   */
  source: string;
  /**
   * Its dataset with one row per profile.
   */
  dataset: string;
  /**
   * Identities by namespace (identityMap.NAMESPACE in mappings). Exactly one is primary.
   */
  identities: {
    [k: string]: IdentitySpec;
  };
  /**
   * Attributes by path, as PQL and mappings name them.
   */
  fields?: {
    [k: string]: FieldSpec;
  };
  /**
   * Consents by path, such as marketing.email; the column holds y, n, p, u …
   */
  consents?: {
    [k: string]: ConsentSpec;
  };
  events?: EventsSpec;
  /**
   * What a value that is not of its declared type does, in a column or inside an array, a map or an object: fail the run, or exclude and count the row; of an event, the person whose it is.
   */
  badValues?: 'fail' | 'exclude';
}
export interface IdentitySpec {
  /**
   * The dataset’s column; an identity is text.
   */
  column: string;
  /**
   * Names the profile.
   */
  primary?: boolean;
  /**
   * Data usage labels, such as C2 or I1. Case counts.
   */
  labels?: string[];
}
export interface FieldSpec {
  /**
   * The dataset’s column.
   */
  column: string;
  type: FieldTypeName;
  items?: ElementTypeSpec;
  values?: ElementTypeSpec;
  fields?: ObjectFieldsSpec;
  /**
   * Data usage labels, such as C2 or I1. Case counts.
   */
  labels?: string[];
}
export interface NestedTypeSpec {
  type: FieldTypeName;
  items?: ElementTypeSpec;
  values?: ElementTypeSpec;
  fields?: ObjectFieldsSpec;
}
export interface ObjectFieldsSpec {
  [k: string]: ElementTypeSpec;
}
export interface ConsentSpec {
  /**
   * The dataset’s column.
   */
  column: string;
}
/**
 * What people did; xEvent in PQL.
 */
export interface EventsSpec {
  /**
   * The dataset with one row per event.
   */
  dataset: string;
  /**
   * The column that holds the primary identity.
   */
  profile: string;
  /**
   * The column that says when.
   */
  timestamp: string;
  eventType: EventTypeSpec;
  /**
   * Fields of an event by path.
   */
  fields?: {
    [k: string]: FieldSpec;
  };
}
/**
 * What the manifest is called.
 */
export interface MetadataSpec {
  /**
   * 1 to 63 lower-case letters, digits and inner hyphens. References are by this name, per kind.
   */
  name: string;
  /**
   * The name people read; %SEGMENT_NAME% in file names takes a segment’s.
   */
  title?: string;
  /**
   * Free text for the next reader.
   */
  description?: string;
}
/**
 * How the CSV is written, where it is not RFC 4180, comma, UTF-8, header.
 */
export interface CsvReadSpec {
  /**
   * Between the values.
   */
  delimiter?: string;
  /**
   * Around values; "" for none.
   */
  quote?: string;
  /**
   * Before a quote inside a value.
   */
  escape?: string;
  /**
   * Of the file.
   */
  encoding?: 'UTF-8' | 'UTF-16' | 'ISO-8859-1';
  /**
   * The first line names the columns.
   */
  header?: boolean;
}
/**
 * A folder of this machine.
 */
export interface LocalStorageSpec {
  /**
   * A folder of this machine.
   */
  type: 'local';
  /**
   * The folder, relative to the project; made when missing. May end in %SEGMENT_NAME% or %SEGMENT_ID%.
   */
  path: string;
}
/**
 * A folder of an SFTP server. One of privateKey, password or agent.
 */
export interface SftpStorageSpec {
  /**
   * A folder of an SFTP server.
   */
  type: 'sftp';
  /**
   * Name or address of the server.
   */
  host: string;
  /**
   * Its port.
   */
  port?: number;
  /**
   * Who logs in.
   */
  username: string;
  privateKey?: SecretSpec;
  passphrase?: SecretSpec;
  password?: SecretSpec;
  /**
   * Use the agent at SSH_AUTH_SOCK instead of a key.
   */
  agent?: boolean;
  /**
   * The server’s key, as SHA256:… Required: there is no trust on first use.
   */
  hostKey: string;
  /**
   * The folder on the server. May end in %SEGMENT_NAME% or %SEGMENT_ID%.
   */
  path: string;
  /**
   * Make missing folders.
   */
  mkdir?: boolean;
}
/**
 * An S3 bucket. Without keys, the default chain of credentials.
 */
export interface S3StorageSpec {
  /**
   * An S3 bucket.
   */
  type: 's3';
  /**
   * The bucket.
   */
  bucket: string;
  /**
   * The folder in the bucket. May end in %SEGMENT_NAME% or %SEGMENT_ID%.
   */
  prefix?: string;
  /**
   * The bucket’s region.
   */
  region?: string;
  /**
   * Another S3 server than Amazon’s.
   */
  endpoint?: string;
  /**
   * Bucket in the path instead of the host name.
   */
  forcePathStyle?: boolean;
  accessKeyId?: SecretSpec;
  secretAccessKey?: SecretSpec;
  sessionToken?: SecretSpec;
  /**
   * Encryption at rest.
   */
  serverSideEncryption?: 'AES256' | 'aws:kms';
  /**
   * The key of aws:kms.
   */
  kmsKeyId?: string;
  /**
   * Such as STANDARD_IA.
   */
  storageClass?: string;
}
/**
 * An Azure Blob container: connectionString, or url with sasToken, accountKey or nothing (the default credential).
 */
export interface AzureBlobStorageSpec {
  /**
   * An Azure Blob container.
   */
  type: 'azure-blob';
  /**
   * The container.
   */
  container: string;
  /**
   * The folder in the container. May end in %SEGMENT_NAME% or %SEGMENT_ID%.
   */
  prefix?: string;
  connectionString?: SecretSpec;
  /**
   * Of the account, such as https://acme.blob.core.windows.net.
   */
  url?: string;
  sasToken?: SecretSpec;
  accountKey?: SecretSpec;
}
/**
 * A Google Cloud Storage bucket. Without credentials, the default ones.
 */
export interface GcsStorageSpec {
  /**
   * A Google Cloud Storage bucket.
   */
  type: 'gcs';
  /**
   * The bucket.
   */
  bucket: string;
  /**
   * The folder in the bucket. May end in %SEGMENT_NAME% or %SEGMENT_ID%.
   */
  prefix?: string;
  credentials?: SecretSpec;
  /**
   * Of an emulator.
   */
  endpoint?: string;
}
/**
 * What a type of destination is: what it asks for, what it allows, and its limits.
 */
export interface DestinationCardSpec {
  /**
   * Of this format.
   */
  apiVersion: 'reconcile/v1';
  /**
   * A card of the catalogue.
   */
  kind: 'DestinationCard';
  /**
   * What a Destination’s `spec.type` says. The folder has the same name.
   */
  type: string;
  /**
   * The name people read.
   */
  displayName: string;
  /**
   * Where it stands in the catalogue.
   */
  category: 'email-marketing' | 'cloud-storage' | 'streaming' | 'crm' | 'advertising' | 'other';
  /**
   * One or two sentences: what it is and how the data gets there.
   */
  description: string;
  /**
   * Where the other side describes it.
   */
  documentation?: string;
  /**
   * A module beside the card that does more than deliver files. Absent: files alone do it.
   */
  connector?: string;
  details?: DetailsSchema;
  connection?: ConnectionRules;
  import?: ImportRules;
  storage: StorageRules;
  exports?: ExportRules;
  file?: FileRules;
  mapping?: MappingRules;
  limits?: DestinationLimits;
  /**
   * What the data is used for when the Destination does not say.
   */
  marketingActions?: string[];
  /**
   * What to build on the other side, step by step; `reconcile setup` prints it.
   */
  setup?: string;
  /**
   * A Destination manifest, as text with its comments; `reconcile destinations TYPE` prints it.
   */
  example: string;
}
/**
 * JSON Schema of `spec.details`, in the part of that language that is listed here. Keys that it does not name are refused.
 */
export interface DetailsSchema {
  /**
   * Always a map.
   */
  type: 'object';
  /**
   * Keys that must be there.
   */
  required?: string[];
  /**
   * The keys.
   */
  properties: {
    [k: string]: DetailSchema;
  };
}
/**
 * One key of the details.
 */
export interface DetailSchema {
  /**
   * Of the value.
   */
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  /**
   * The name people read.
   */
  title?: string;
  /**
   * What it is for.
   */
  description?: string;
  /**
   * A secret: {env: NAME} or {file: PATH}, never a literal. `type` is then left out.
   */
  secret?: boolean;
  /**
   * The allowed values.
   *
   * @minItems 1
   */
  enum?: (string | number | boolean)[];
  /**
   * A regular expression that a text must match.
   */
  pattern?: string;
  /**
   * What the pattern means, in words.
   */
  patternMessage?: string;
  /**
   * The least number.
   */
  minimum?: number;
  /**
   * The greatest number.
   */
  maximum?: number;
  /**
   * What the connector takes when it is absent.
   */
  default?: {
    [k: string]: unknown;
  };
  /**
   * Values worth showing.
   */
  examples?: unknown[];
  items?: DetailSchema;
  /**
   * Of an object: keys that must be there.
   */
  required?: string[];
  /**
   * Of an object: its keys.
   */
  properties?: {
    [k: string]: DetailSchema;
  };
  /**
   * Of an object: a regular expression, without regard to case, of keys whose values would be secrets. They are refused.
   */
  secretKeys?: string;
  additionalProperties?: DetailSchema;
}
/**
 * Whether `spec.connection` is taken. Absent: it is refused.
 */
export interface ConnectionRules {
  /**
   * It must be there. With an `import` it always must.
   */
  required?: boolean;
  /**
   * The ways to log in.
   *
   * Items: A way to log in.
   */
  auth?: ('ims' | 'user' | 'session' | 'bearer' | 'header')[];
  /**
   * `connection.auth` must be there.
   */
  authRequired?: boolean;
}
/**
 * `spec.import` is taken: the other side is told, and its answer followed. Absent: it is refused.
 */
export interface ImportRules {
  /**
   * What is started there.
   */
  description?: string;
}
/**
 * Where the files may be put.
 */
export interface StorageRules {
  /**
   * The kinds that the other side can read.
   *
   * @minItems 1
   *
   * Items: A kind of storage.
   */
  kinds: ('local' | 'sftp' | 's3' | 'azure-blob' | 'gcs')[];
  default?: StorageSpec;
}
/**
 * Modes and their schedules. A mode that is absent is not allowed; without this key, all are.
 */
export interface ExportRules {
  /**
   * Schedules of full exports.
   *
   * @minItems 1
   *
   * Items: A schedule.
   */
  full?: ('once' | '3h' | '6h' | '8h' | '12h' | '24h' | 'cron' | 'after-evaluation')[];
  /**
   * Schedules of incremental exports.
   *
   * @minItems 1
   *
   * Items: A schedule.
   */
  incremental?: ('once' | '3h' | '6h' | '8h' | '12h' | '24h' | 'cron' | 'after-evaluation')[];
}
/**
 * What the files may be.
 */
export interface FileRules {
  /**
   * The formats, all when absent.
   *
   * @minItems 1
   *
   * Items: A format.
   */
  formats?: ('csv' | 'json' | 'parquet')[];
  /**
   * The compressions, all when absent.
   *
   * @minItems 1
   *
   * Items: A compression.
   */
  compressions?: ('none' | 'gzip' | 'zstd')[];
  /**
   * `spec.encryption` is taken.
   */
  encryption?: boolean;
  defaults?: FileSpec;
  fixed?: FileSpec;
  /**
   * Tokens that every file name must hold.
   *
   * Items: A token.
   */
  requiredNameTokens?: ('DESTINATION' | 'SEGMENT_ID')[];
  /**
   * space: a line break inside a value becomes a space, and is counted.
   */
  lineBreaksInValues?: 'keep' | 'space';
}
/**
 * What the mapping must be.
 */
export interface MappingRules {
  identity?: IdentityRules;
  /**
   * Most attributes of a deduplication key.
   */
  keyAttributes?: number;
  /**
   * Arrays, maps and objects may be mapped (in JSON and Parquet).
   */
  nested?: boolean;
  /**
   * A regular expression that every column’s name must match.
   */
  targetPattern?: string;
  /**
   * What it means, in words.
   */
  targetPatternMessage?: string;
  statusColumn?: StatusColumn;
}
/**
 * The identity of a row.
 */
export interface IdentityRules {
  /**
   * One must be mapped.
   */
  required?: boolean;
  /**
   * Targets with a meaning of their own.
   */
  targets?: IdentityTarget[];
}
/**
 * A target with a meaning of its own.
 */
export interface IdentityTarget {
  /**
   * The column’s name.
   */
  name: string;
  /**
   * What it holds.
   */
  description?: string;
  /**
   * It must hold hashes: a plain value is hashed on its way.
   */
  hash?: 'sha256';
}
/**
 * The column that says whether a row came or went.
 */
export interface StatusColumn {
  /**
   * Its name; another is refused.
   */
  name: string;
  /**
   * It is written even when it is not mapped.
   */
  required?: boolean;
  /**
   * Where it stands when it is not mapped.
   */
  position?: 'last';
  /**
   * It counts towards `limits.fieldsPerSegment`.
   */
  countsAsField?: boolean;
}
/**
 * How much is allowed. An error stops, a warning is told once per destination.
 */
export interface DestinationLimits {
  segmentsPerDestination?: DestinationLimit;
  segmentsPerInstance?: InstanceLimit;
  fieldsPerSegment?: DestinationLimit;
  minIntervalHours?: DestinationLimit;
  fileNameCharacters?: DestinationLimit;
  fileBytes?: DestinationLimit;
  rowsPerFile?: DestinationLimit;
  segmentNameCharacters?: CharacterLimit;
  retentionDays?: DestinationLimit;
}
/**
 * A number and what exceeding it means.
 */
export interface DestinationLimit {
  /**
   * The limit.
   */
  value: number;
  /**
   * What exceeding it means.
   */
  level?: 'error' | 'warning';
  /**
   * The key of `spec.details` that holds another value, where the other side can be set to allow more.
   */
  raisedBy?: string;
  /**
   * Whose limit it is.
   */
  why?: string;
}
/**
 * A number, counted over what shares one detail.
 */
export interface InstanceLimit {
  /**
   * The limit.
   */
  value: number;
  /**
   * What exceeding it means.
   */
  level?: 'error' | 'warning';
  /**
   * The key of `spec.details` that holds another value, where the other side can be set to allow more.
   */
  raisedBy?: string;
  /**
   * Whose limit it is.
   */
  why?: string;
  /**
   * The key of `spec.details` that names the instance.
   */
  instance: string;
}
/**
 * Characters that are refused.
 */
export interface CharacterLimit {
  /**
   * Each of them.
   */
  forbidden: string;
  /**
   * What one of them means.
   */
  level?: 'error' | 'warning';
  /**
   * Whose rule it is.
   */
  why?: string;
}
export interface DestinationSpec {
  /**
   * One of `reconcile destinations`.
   */
  type: string;
  /**
   * What the type asks for; its own schema checks it (`reconcile destinations TYPE`).
   */
  details?: {
    [k: string]: unknown;
  };
  connection?: ConnectionSpec;
  import?: ImportSpec;
  storage?: StorageSpec;
  encryption?: EncryptionSpec;
  /**
   * What the data is used for, such as emailTargeting or exportToThirdParty.
   */
  marketingActions?: string[];
}
/**
 * How to reach the other side.
 */
export interface ConnectionSpec {
  /**
   * https; plain http only to loopback.
   */
  url: string;
  auth?: AuthSpec;
}
/**
 * Adobe IMS, OAuth server-to-server (Campaign v8).
 */
export interface ImsAuthSpec {
  /**
   * Adobe IMS, OAuth server-to-server (Campaign v8).
   */
  type: 'ims';
  /**
   * Of the technical account.
   */
  clientId: string;
  clientSecret: SecretSpec;
  /**
   * Scopes to ask for; absent: Campaign’s usual ones.
   */
  scopes?: string[];
  /**
   * Where tokens come from; absent: Adobe’s.
   */
  tokenUrl?: string;
}
/**
 * A native operator (Campaign v7).
 */
export interface UserAuthSpec {
  /**
   * A native operator (Campaign v7).
   */
  type: 'user';
  /**
   * The operator.
   */
  username: string;
  password: SecretSpec;
}
/**
 * A session token that someone else obtained.
 */
export interface SessionAuthSpec {
  /**
   * A session token that someone else obtained.
   */
  type: 'session';
  token: SecretSpec;
  securityToken?: SecretSpec;
}
/**
 * A bearer token.
 */
export interface BearerAuthSpec {
  /**
   * A bearer token.
   */
  type: 'bearer';
  token: SecretSpec;
}
/**
 * A header of the other side’s choosing.
 */
export interface HeaderAuthSpec {
  /**
   * A header of the other side’s choosing.
   */
  type: 'header';
  /**
   * Such as X-Api-Key.
   */
  name: string;
  value: SecretSpec;
}
/**
 * What to start on the other side once the files are there. Absent: the files are delivered and Campaign is not told.
 */
export interface ImportSpec {
  /**
   * Internal name of the import workflow.
   */
  workflow: string;
  /**
   * Name of its external signal activity.
   */
  signal?: string;
  /**
   * How long to wait for the import’s end, at most 10h. Absent: the signal is sent and not followed.
   */
  wait?: string;
}
/**
 * Files are encrypted to these keys before they leave.
 */
export interface EncryptionSpec {
  /**
   * The OpenPGP key of the receiver, or a list of them.
   */
  pgpPublicKey: SecretSpec | SecretSpec[];
  signWith?: SigningSpec;
}
/**
 * Files are signed inside their encryption, so that the receiver can tell who made them.
 */
export interface SigningSpec {
  privateKey: SecretSpec;
  passphrase?: SecretSpec;
}
/**
 * Labels that a marketing action may not touch.
 */
export interface DataUsagePolicySpec {
  /**
   * Labels that a marketing action may not touch.
   */
  type: 'data-usage';
  /**
   * Any of these actions.
   *
   * @minItems 1
   */
  marketingActions: string[];
  deny: DenySpec;
  /**
   * Only an enabled policy takes part.
   */
  enabled?: boolean;
}
/**
 * Consents that a profile must have given.
 */
export interface ConsentPolicySpec {
  /**
   * Consents that a profile must have given.
   */
  type: 'consent';
  /**
   * For any of these actions.
   *
   * @minItems 1
   */
  marketingActions?: string[];
  /**
   * For data with any of these labels.
   */
  labels?: string[];
  /**
   * Consents by path, each with the values that include the profile.
   */
  consents: {
    /**
     * @minItems 1
     */
    [k: string]: string[];
  };
  /**
   * Only an enabled policy takes part.
   */
  enabled?: boolean;
}
export interface ProjectSpec {
  /**
   * Folders or files that hold the manifests, relative to the project.
   *
   * @minItems 1
   */
  manifests?: string[];
  state?: StateSpec;
  guards?: ProjectGuardsSpec;
}
/**
 * Stop an apply that would delete too much.
 */
export interface ProjectGuardsSpec {
  /**
   * Most resources that one apply may delete.
   */
  maxDeletes?: number;
  /**
   * Most of the recorded resources that one apply may delete, in percent; counts from 10 recorded resources on.
   */
  maxDeletedPercent?: number;
}
export interface RoleSpec {
  /**
   * What the role may do.
   *
   * @minItems 1
   */
  permissions: PermissionSpec[];
  /**
   * Labels of the fields and segments that the role may see.
   */
  labels?: string[];
  /**
   * Who has the role.
   *
   * @minItems 1
   */
  subjects: SubjectSpec[];
}
export interface SegmentSpec {
  /**
   * The Attributes that the expression speaks of.
   */
  attributes: string;
  /**
   * Who is a member, in PQL.
   */
  pql: string;
  /**
   * Examples that `reconcile test` checks offline.
   */
  tests?: SegmentTestSpec[];
}
export interface SegmentTestSpec {
  /**
   * What the example shows.
   */
  name: string;
  /**
   * What now and today mean.
   */
  now?: string;
  /**
   * Attributes by path; those left out are NULL.
   */
  profile?: {
    [k: string]: unknown;
  };
  /**
   * The events, each with its fields by path, eventType and timestamp.
   */
  events?: {
    [k: string]: unknown;
  }[];
  /**
   * Whether the profile is a member.
   */
  member: boolean;
}
/**
 * Files, read by the embedded engine.
 */
export interface DuckdbSourceSpec {
  /**
   * The embedded engine.
   */
  engine: 'duckdb';
  /**
   * Datasets by name: files of people, of events.
   */
  datasets: {
    [k: string]: FileDatasetSpec;
  };
}
export interface FileDatasetSpec {
  /**
   * A file, a glob or a list of them, relative to the project; .csv, .parquet or .json by its extension.
   */
  path: string | string[];
  csv?: CsvReadSpec;
}
/**
 * Tables of a warehouse.
 */
export interface WarehouseSourceSpec {
  /**
   * postgres, or trino (distributed).
   */
  engine: 'postgres' | 'trino';
  connection: SourceConnectionSpec;
  /**
   * Datasets by name: tables of people, of events.
   */
  datasets: {
    [k: string]: TableDatasetSpec;
  };
}
/**
 * How to reach the warehouse.
 */
export interface SourceConnectionSpec {
  url: SecretSpec;
}
export interface TableDatasetSpec {
  /**
   * schema.table
   */
  table: string;
}
