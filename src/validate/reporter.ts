import { quoteAsWritten } from '../manifest/read-documents.ts';

import type { ManifestLocator } from '../manifest/load-manifests.ts';
import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import type { Resource } from '../model/resource.ts';

/** What a check says about a part of a resource. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly severity?: Severity;
  /** The key at the pointer instead of its value. */
  readonly part?: 'key' | 'value';
  readonly label?: string;
  readonly hint?: string;
  /** See `PointedProblem`. */
  readonly quote?: boolean;
}

/** Collects what checks find; places are looked up only for what is found. */
export interface Reporter {
  readonly diagnostics: readonly Diagnostic[];
  /** At a JSON pointer from the document's root. */
  at(resource: Resource, pointer: string, finding: Finding): void;
  /** At a range of the text at a pointer; offsets count UTF-16 units. */
  inText(resource: Resource, pointer: string, start: number, end: number, finding: Finding): void;
}

export function createReporter(locator: ManifestLocator): Reporter {
  const diagnostics: Diagnostic[] = [];
  const add = ({ severity = 'error', code, message, label, hint }: Finding, place: Pick<Diagnostic, 'file' | 'line' | 'column' | 'length'>): void => {
    diagnostics.push({ code, severity, message, ...place, ...(label === undefined ? {} : { label }), ...(hint === undefined ? {} : { hint }) });
  };
  return {
    diagnostics,
    at: (resource, pointer, finding) =>
      add(
        quoteAsWritten({ ...finding, pointer }, (at) => locator.written(resource, at)),
        locator.place(resource, pointer, finding.part),
      ),
    inText: (resource, pointer, start, end, finding) => add(finding, locator.textPlace(resource, pointer, start, end)),
  };
}
