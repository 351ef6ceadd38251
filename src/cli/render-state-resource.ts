import { stringify } from 'yaml';
import { formatInstant } from '../model/instant.ts';
import type { RecordedResource } from '../state/state-store.ts';

/** Digits of a commit's name that are enough to find it. */
const SHORT_COMMIT = 10;

/** One resource as the manifest that would give it, with where it comes from above. */
export function renderStateResource(resource: RecordedResource): string {
  const { kind, metadata, spec, version, appliedAt, source, commit, digest, activeFrom, segmentsFrom = {} } = resource;
  const head = [
    `# version ${version}, applied ${formatInstant(appliedAt)} from ${source.file}:${source.line}${commit === undefined ? '' : ` at commit ${commit.slice(0, SHORT_COMMIT)}`}`,
    `# digest ${digest}`,
    ...(activeFrom === undefined ? [] : [`# slots before ${formatInstant(activeFrom)} are never due`]),
    ...Object.entries(segmentsFrom).map(([segment, from]) => `# of ${segment}, those before ${formatInstant(from)}`),
  ];
  return `${head.join('\n')}\n${stringify({ apiVersion: 'reconcile/v1', kind, metadata, spec }, { lineWidth: 0 })}`;
}
