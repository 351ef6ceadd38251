import { Argument, Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import { DESCRIBED } from '../../manifest/bundle-schema.ts';
import { COMMANDS } from '../command-table.ts';
import type { CommandContext } from '../context.ts';
import { renderCompletion, SHELLS, type CompletedCommand, type Shell } from '../render-completion.ts';

export function configure(command: Command): void {
  command.addArgument(new Argument('<shell>', 'whose script to print').choices(SHELLS));
  command.addHelpText(
    'after',
    `
Examples:
  bash        source <(reconcile completion bash)            in ~/.bashrc
  zsh         source <(reconcile completion zsh)             in ~/.zshrc, after compinit
  fish        reconcile completion fish > ~/.config/fish/completions/reconcile.fish
  powershell  reconcile completion powershell | Out-String | Invoke-Expression`,
  );
}

export async function run({ out }: CommandContext, [shell]: readonly unknown[]): Promise<ExitCode> {
  out(renderCompletion(shell as Shell, await readCommands()));
  return ExitCode.done;
}

/** Every command with its own options and the words its arguments take, asked from the commands themselves. */
async function readCommands(): Promise<readonly CompletedCommand[]> {
  return Promise.all(
    COMMANDS.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      (await load()).configure(command);
      const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
      const nested = command.commands.map((one) => one.name());
      return {
        name,
        summary,
        options: command.options.filter(({ hidden }) => !hidden).map(({ long, short }) => long ?? short ?? ''),
        words: [...nested, ...choices, ...(name === 'schema' ? DESCRIBED : [])],
      };
    }),
  );
}
