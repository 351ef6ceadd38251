/** A type as DuckDB's `describe` writes it, taken apart as far as values inside it are looked at. */
export type PhysicalType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'list'; readonly item: PhysicalType }
  | { readonly kind: 'map'; readonly key: PhysicalType; readonly value: PhysicalType }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, PhysicalType> };

/** Reads `STRUCT(a INTEGER, "b c" VARCHAR[])[]` and its like. What is none of list, map and struct is a scalar under its own name. */
export function readPhysicalType(text: string): PhysicalType {
  const list = /^(.*)\[\d*\]$/s.exec(text);
  if (list) return { kind: 'list', item: readPhysicalType(list[1] ?? '') };
  const inner = /^(STRUCT|MAP)\((.*)\)$/s.exec(text);
  if (!inner) return { kind: 'scalar', name: text };
  const parts = splitParts(inner[2] ?? '');
  if (inner[1] === 'MAP') return { kind: 'map', key: readPhysicalType(parts[0] ?? ''), value: readPhysicalType(parts[1] ?? '') };
  return { kind: 'struct', fields: new Map(parts.map(readField)) };
}

function readField(text: string): readonly [string, PhysicalType] {
  const [, quoted, bare, type = ''] = /^(?:"((?:[^"]|"")*)"|(\S+)) (.*)$/s.exec(text) ?? [];
  return [quoted?.replaceAll('""', '"') ?? bare ?? '', readPhysicalType(type)];
}

/** Splits at the commas that stand in no bracket and in no quotes. */
function splitParts(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[(),]/g)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}
