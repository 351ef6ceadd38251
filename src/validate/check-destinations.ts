import { explainUnknownType, type Catalogue } from '../destination/catalogue.ts';
import { checkDestination } from '../destination/check-destination.ts';
import type { Reporter } from './reporter.ts';
import type { ResourceIndex } from './resource-index.ts';
import { checkStorage } from './check-storage.ts';

/** Every Destination against its type's card and its storage's rules. */
export function checkDestinations(index: ResourceIndex, catalogue: Catalogue, report: Reporter): void {
  for (const destination of index.all('Destination')) {
    const entry = catalogue.find(destination.spec.type);
    if (entry === undefined) {
      report.at(destination, '/spec/type', explainUnknownType(catalogue, destination.spec.type));
      continue;
    }
    const { storage } = destination.spec;
    const problems = [...checkDestination(entry.card, destination.spec), ...(storage === undefined ? [] : checkStorage(storage))];
    for (const { pointer, ...problem } of problems) report.at(destination, pointer, problem);
  }
}
