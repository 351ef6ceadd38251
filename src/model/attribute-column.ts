/**
 * The column of the relation `profile` that holds an attribute: its path, except where the engine would take it for `id`, the relation's own column. Engines
 * do not tell `id` and `ID` apart.
 */
export function attributeColumn(path: string): string {
  return path.toLowerCase() === 'id' ? `${path}#value` : path;
}
