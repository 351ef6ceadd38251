export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
  /** What its arguments may be, when that is a fixed list. */
  readonly words: readonly string[];
}

const GLOBAL_OPTIONS = ['-C', '--env', '--var', '--state', '--now', '--json', '--log-format', '--no-color', '--no-input', '-v', '-q', '--help'];
const VALUE_OPTIONS = ['-C', '--directory', '--env', '--var', '--state', '--now', '--log-format'];

/** A script for a shell that completes commands, options and fixed words; elsewhere, file names. */
export function renderCompletion(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return renderBash(commands);
    case 'zsh':
      return renderZsh(commands);
    case 'fish':
      return renderFish(commands);
    case 'powershell':
      return renderPowershell(commands);
  }
}

function wordsOf(command: CompletedCommand): string {
  return [...command.words, ...command.options, ...GLOBAL_OPTIONS].join(' ');
}

function quoteZsh(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}

function quoteFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function listPowershell(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "''")}'`).join(', ');
}

function renderBash(commands: readonly CompletedCommand[]): string {
  return `# bash completion for reconcile
_reconcile() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" word index
  case "$previous" in -C|--directory) COMPREPLY=($(compgen -d -- "$current")); return;; esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case " ${VALUE_OPTIONS.join(' ')} " in *" \${COMP_WORDS[index-1]} "*) continue;; esac
    case "$word" in -*) ;; *) command="$word"; break;; esac
  done
  case "$command" in
    "") COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} ${GLOBAL_OPTIONS.join(' ')}" -- "$current"));;
${commands.map((command) => `    ${command.name}) COMPREPLY=($(compgen -W "${wordsOf(command)}" -- "$current"));;`).join('\n')}
  esac
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _reconcile reconcile
`;
}

function renderZsh(commands: readonly CompletedCommand[]): string {
  return `#compdef reconcile
_reconcile() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    '${name}:${quoteZsh(summary)}'`).join('\n')}
  )
  local command="" index
  for ((index = 2; index < CURRENT; index++)); do
    case " ${VALUE_OPTIONS.join(' ')} " in *" \${words[index-1]} "*) continue;; esac
    case "\${words[index]}" in -*) ;; *) command="\${words[index]}"; break;; esac
  done
  case "$command" in
    "") _describe 'command' commands; compadd -- ${GLOBAL_OPTIONS.join(' ')};;
${commands.map((command) => `    ${command.name}) compadd -- ${wordsOf(command)}; _files;;`).join('\n')}
  esac
}
compdef _reconcile reconcile
`;
}

function renderFish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, options, words }) => [
    `complete -c reconcile -n __fish_use_subcommand -a ${name} -d ${quoteFish(summary)}`,
    ...words.map((word) => `complete -c reconcile -n '__fish_seen_subcommand_from ${name}' -a ${word}`),
    ...options
      .filter((option) => option.startsWith('--'))
      .map((option) => `complete -c reconcile -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`),
  ]);
  const globals = GLOBAL_OPTIONS.map((option) => `complete -c reconcile ${option.startsWith('--') ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`}`);
  return `# fish completion for reconcile\n${[...lines, ...globals].join('\n')}\n`;
}

function renderPowershell(commands: readonly CompletedCommand[]): string {
  return `# PowerShell completion for reconcile
Register-ArgumentCompleter -Native -CommandName reconcile -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${commands.map((command) => `    '${command.name}' = @(${listPowershell([...command.words, ...command.options])})`).join('\n')}
  }
  $globals = @(${listPowershell(GLOBAL_OPTIONS)})
  $command = $commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() } | Where-Object { $words.ContainsKey($_) } | Select-Object -First 1
  $candidates = if ($command) { $words[$command] + $globals } else { @($words.Keys) + $globals }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | Sort-Object | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}
