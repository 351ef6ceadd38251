import type { COMMAND_NAMES } from './command-names.ts';
import type { CommandModule } from './context.ts';

interface CommandEntry {
  readonly name: (typeof COMMAND_NAMES)[number];
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order of the help text. A module is imported only when its command runs. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'init', summary: 'a starter project that runs at once', load: () => import('./commands/init.ts') },
  { name: 'validate', summary: 'check every manifest: schema, references, PQL, rules; offline', load: () => import('./commands/validate.ts') },
  { name: 'test', summary: 'the segments’ own tests, offline', load: () => import('./commands/test.ts') },
  { name: 'fmt', summary: 'write the manifests in one form; comments stay', load: () => import('./commands/fmt.ts') },
  { name: 'plan', summary: 'what apply would do, why, and whom it touches', load: () => import('./commands/plan.ts') },
  { name: 'apply', summary: 'make what is declared what is applied', load: () => import('./commands/apply.ts') },
  { name: 'drift', summary: 'what has changed outside since it was applied', load: () => import('./commands/drift.ts') },
  { name: 'destroy', summary: 'remove everything that is applied', load: () => import('./commands/destroy.ts') },
  { name: 'rollback', summary: 'apply again what was applied before', load: () => import('./commands/rollback.ts') },
  { name: 'preview', summary: 'size and a masked sample of a segment', load: () => import('./commands/preview.ts') },
  { name: 'explain', summary: 'why somebody is in or out, since when, by which rule at which line', load: () => import('./commands/explain.ts') },
  { name: 'run', summary: 'export now, or a given slot', load: () => import('./commands/run.ts') },
  { name: 'evaluate', summary: 'count the segments now; fires schedules `after: evaluation`', load: () => import('./commands/evaluate.ts') },
  { name: 'watch', summary: 'reconcile on change, export on schedule, until stopped', load: () => import('./commands/watch.ts') },
  { name: 'status', summary: 'how everything that is applied stands, and what to do', load: () => import('./commands/status.ts') },
  { name: 'runs', summary: 'the runs on record: list, show, retry, replay, cancel', load: () => import('./commands/runs.ts') },
  { name: 'state', summary: 'what is applied: list, show, history, unlock, doctor, export, import', load: () => import('./commands/state.ts') },
  { name: 'destinations', summary: 'the catalogue: what there is, its rules, an example', load: () => import('./commands/destinations.ts') },
  { name: 'setup', summary: 'what to build on the other side, with sample files', load: () => import('./commands/setup.ts') },
  { name: 'doctor', summary: 'every connection tried for real, with what to do', load: () => import('./commands/doctor.ts') },
  { name: 'gc', summary: 'remove what nothing needs any more', load: () => import('./commands/gc.ts') },
  { name: 'forget', summary: 'erase one person from snapshots, files kept here and exports to come', load: () => import('./commands/forget.ts') },
  { name: 'schema', summary: 'the JSON Schema of a kind, for editors', load: () => import('./commands/schema.ts') },
  { name: 'completion', summary: 'a completion script for a shell', load: () => import('./commands/completion.ts') },
];
