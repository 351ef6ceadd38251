import type { StorageSpec } from '../model/generated/kinds.ts';
import { SCHEMAS } from './generated/schemas.ts';

export interface StorageExample {
  readonly description: string;
  readonly example: unknown;
  /** Keys that the example does without. */
  readonly more: readonly string[];
}

interface StorageSchema {
  readonly description: string;
  readonly properties: Readonly<Record<string, { readonly const?: string }>>;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/** How a kind of storage is written, as its schema has it. */
export function storageExample(kind: StorageSpec['type']): StorageExample {
  const { $defs } = SCHEMAS['common.schema.json'] as unknown as { readonly $defs: Readonly<Record<string, Partial<StorageSchema>>> };
  const found = Object.values($defs).find(({ properties }) => properties?.['type']?.const === kind) as StorageSchema | undefined;
  const example = found?.examples[0];
  if (found === undefined || example === undefined) throw new Error(`the schema of storages has no example of \`${kind}\``);
  return { description: found.description, example, more: Object.keys(found.properties).filter((key) => !(key in example)) };
}
