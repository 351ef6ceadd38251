import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';

/**
 * A state belongs to one environment: manifests with other values are refused (contract section 6). An empty state belongs to none.
 * Throws RC3017, exit 64.
 */
export function requireEnvironment(
  recorded: { readonly environment: string | undefined; readonly resources: { readonly size: number } },
  environment: string | undefined,
): void {
  if (recorded.resources.size === 0 || recorded.environment === environment) return;
  const own = recorded.environment === undefined ? 'without an environment' : `with the environment \`${recorded.environment}\``;
  throw new AppError({
    code: 'RC3017',
    message: `this state was applied ${own}, not ${environment === undefined ? 'without one' : `with \`${environment}\``}`,
    hint: `${recorded.environment === undefined ? 'leave --env away' : `use --env ${recorded.environment}`}, or name another state with --state sqlite:PATH`,
    exit: ExitCode.badUsage,
  });
}
