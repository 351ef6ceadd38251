/** SQL's `like` over code points: `%` any run, `_` exactly one character, nothing escaped. */
export function isLike(text: string, pattern: string): boolean {
  const characters = [...text];
  const wanted = [...pattern];
  let at = 0;
  let look = 0;
  let resumeAt = -1;
  let resumeLook = -1;
  while (at < characters.length) {
    const want = wanted[look];
    if (want === '%') {
      resumeLook = look;
      resumeAt = at;
      look += 1;
    } else if (want !== undefined && (want === '_' || want === characters[at])) {
      at += 1;
      look += 1;
    } else if (resumeLook >= 0) {
      resumeAt += 1;
      at = resumeAt;
      look = resumeLook + 1;
    } else return false;
  }
  while (wanted[look] === '%') look += 1;
  return look === wanted.length;
}

/** Lower case as the engine makes it: character by character, without regard to neighbours or language. */
export function toLower(text: string): string {
  let result = '';
  for (const character of text) {
    const [lower = character] = character.toLowerCase();
    result += lower;
  }
  return result;
}
