import { diffValue, type DiffPlace, type DiffSink } from './diff-resource.ts';
import { identifyItems } from './identify-items.ts';
import { longestRising } from './longest-rising.ts';

/** More structural operations than this are told as one replacement: nobody reads them one by one, and each costs a pass over the list. */
const MAX_OPERATIONS = 500;

/** Differences of two lists whose items are told apart by what identifies them, so that one item more is one operation. */
export function diffList(before: readonly unknown[], after: readonly unknown[], place: DiffPlace, out: DiffSink): void {
  const old = identifyItems(before);
  const wanted = identifyItems(after);
  const oldAt = new Map(old.map(({ key }, index) => [key, index]));
  const wantedAt = new Map(wanted.map(({ key }, index) => [key, index]));
  const kept = old.filter(({ key }) => wantedAt.has(key));
  const still = new Set(longestRising(kept.map(({ key }) => wantedAt.get(key) ?? 0)).map((index) => kept[index]?.key));
  const operations = old.length + wanted.length - 2 * kept.length + 2 * (kept.length - still.size);
  if ((kept.length === 0 && old.length > 0 && wanted.length > 0) || operations > MAX_OPERATIONS) {
    out.patch.push({ op: 'replace', path: place.path, value: after });
    out.fields.push({ ...place, change: 'changed', before, after });
    return;
  }

  // From the back, so that earlier indexes stay true.
  for (let index = old.length - 1; index >= 0; index--) {
    if (wantedAt.has(old[index]?.key ?? '')) continue;
    out.patch.push({ op: 'remove', path: `${place.path}/${index}` });
  }
  for (const [index, { key, label }] of old.entries()) {
    if (!wantedAt.has(key)) out.fields.push({ path: `${place.path}/${index}`, label: `${place.label}[${label}]`, change: 'removed', before: before[index] });
  }

  const work = kept.map(({ key }) => key);
  const move = (from: number, to: number): void => {
    out.patch.push({ op: 'move', from: `${place.path}/${from}`, path: `${place.path}/${to}` });
    work.splice(to, 0, ...work.splice(from, 1));
  };
  for (const [index, { key, label }] of wanted.entries()) {
    const at: DiffPlace = { path: `${place.path}/${index}`, label: `${place.label}[${label}]` };
    if (!oldAt.has(key)) {
      out.patch.push({ op: 'add', path: at.path, value: after[index] });
      out.fields.push({ ...at, change: 'added', after: after[index] });
      work.splice(index, 0, key);
      continue;
    }
    // What stands in the way and has to move anyway goes to the end; its own turn comes.
    while (still.has(key) && work[index] !== key) move(index, work.length - 1);
    const from = work.indexOf(key, index);
    if (from !== index) move(from, index);
    if (!still.has(key)) out.fields.push({ ...at, change: 'moved', before: oldAt.get(key), after: index });
  }

  for (const [index, { key, label }] of wanted.entries()) {
    const earlier = oldAt.get(key);
    if (earlier !== undefined) diffValue(before[earlier], after[index], { path: `${place.path}/${index}`, label: `${place.label}[${label}]` }, out);
  }
}
