import type { CheckFinding } from '../destination/connector.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { StateStore } from '../state/state-store.ts';

/** The state can be read, nobody holds it for long, and no apply was cut short. Changes nothing. */
export async function examineState(store: StateStore, clock: () => Instant): Promise<readonly CheckFinding[]> {
  const { lineage, serial, resources, environment } = await store.read();
  const size =
    lineage === undefined ? 'empty: nothing was ever applied' : `${resources.size} ${resources.size === 1 ? 'resource' : 'resources'}, serial ${serial}`;
  const findings: CheckFinding[] = [
    { code: 'RC9510', level: 'ok', subject: 'state', message: environment === undefined ? size : `${size}, environment ${environment}` },
  ];
  const holder = await store.unlock();
  if (holder !== undefined) {
    const who = `${holder.owner.host}, process ${holder.owner.pid}`;
    findings.push(
      holder.alive
        ? { code: 'RC9510', level: 'ok', subject: 'lock', message: `held by ${who}` }
        : {
            code: 'RC9511',
            level: 'warning',
            subject: 'lock',
            message: `held by ${who}, which does not answer any more`,
            hint: 'the next apply takes it over; or: reconcile state unlock',
          },
    );
  }
  const unfinished = await store.unfinished();
  if (unfinished.length > 0 && holder?.alive !== true) {
    const at = Math.min(...unfinished.map((entry) => ('at' in entry ? entry.at : clock())));
    findings.push({
      code: 'RC9512',
      level: 'warning',
      subject: 'apply',
      message: `an apply that began at ${formatInstant(at)} was cut short`,
      hint: 'run reconcile apply: it looks at what was done and goes on',
    });
  }
  return findings;
}
