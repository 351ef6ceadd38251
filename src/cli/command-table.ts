import type { CommandModule } from './context.ts';

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order of the help text. A module is imported only when its command runs. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'validate', summary: 'check every manifest: schema, references, PQL, rules; offline', load: () => import('./commands/validate.ts') },
];
