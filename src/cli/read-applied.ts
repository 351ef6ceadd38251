import { requireEnvironment } from '../apply/require-environment.ts';
import type { RecordedState, StateStore } from '../state/state-store.ts';
import type { CommandContext } from './context.ts';

/** What is applied, for commands that work with it. Refuses a state of another environment than `--env`: RC3017, exit 64, as `plan` and `apply` do. */
export async function readApplied(context: Pick<CommandContext, 'options'>, store: Pick<StateStore, 'read'>): Promise<RecordedState> {
  const recorded = await store.read();
  requireEnvironment(recorded, context.options.environment);
  return recorded;
}
