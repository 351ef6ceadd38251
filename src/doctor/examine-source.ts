import type { CheckFinding } from '../destination/connector.ts';
import type { EngineDeps } from '../export/deps.ts';
import type { AttributesSpec, SourceSpec } from '../model/generated/kinds.ts';
import { nearest } from '../support/nearest.ts';

export interface SourceRequest extends EngineDeps {
  readonly sourceName: string;
  readonly source: SourceSpec;
  /** Name and spec of an Attributes resource that reads it. */
  readonly attributesName: string;
  readonly attributes: AttributesSpec;
  readonly signal: AbortSignal;
}

/** Every dataset that the Attributes read is there and has the columns they name. Reads no row. */
export async function examineSource(request: SourceRequest): Promise<readonly CheckFinding[]> {
  const { attributes, attributesName, sourceName, source } = request;
  await using engine = request.engine({ name: attributesName, attributes, sourceName, source }, request.signal);
  const findings: CheckFinding[] = [];
  for (const [dataset, wanted] of wantedColumns(attributes)) {
    const there = await engine.columns(dataset, wanted);
    const missing = wanted.filter((column) => !there.includes(column));
    const subject = `dataset ${dataset}`;
    if (there.length === 0)
      findings.push({ code: 'RC2007', level: 'warning', subject, message: 'it is empty', hint: 'an export of it is held until it has rows' });
    else if (missing.length === 0)
      findings.push({ code: 'RC9520', level: 'ok', subject, message: `readable, with all ${wanted.length} columns that \`${attributesName}\` names` });
    for (const column of there.length === 0 ? [] : missing) {
      const near = nearest(column, there);
      const hint = near === undefined ? `its columns are ${there.slice(0, 20).join(', ')}` : `did you mean \`${near}\`?`;
      findings.push({ code: 'RC2002', level: 'error', subject, message: `it has no column \`${column}\``, hint });
    }
  }
  return findings;
}

function wantedColumns(attributes: AttributesSpec): ReadonlyMap<string, readonly string[]> {
  const { identities, fields = {}, consents = {}, events, dataset } = attributes;
  const profile = [identities, fields, consents].flatMap((map) => Object.values(map).map(({ column }) => column));
  const wanted = new Map([[dataset, [...new Set(profile)]]]);
  if (events === undefined) return wanted;
  const { profile: join, timestamp, eventType, fields: own = {} } = events;
  const columns = [join, timestamp, ...('column' in eventType ? [eventType.column] : []), ...Object.values(own).map(({ column }) => column)];
  wanted.set(events.dataset, [...new Set([...(wanted.get(events.dataset) ?? []), ...columns])]);
  return wanted;
}
