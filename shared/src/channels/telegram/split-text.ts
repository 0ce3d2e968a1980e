// A text longer than one message as several, in order. Joined again they are the text, but for the white space at the cuts:
// Telegram trims it anyway, and refuses a message of white space alone.

/** Cuts at the last line end, else the last space, of the second half of what fits; else at the limit, never inside a surrogate pair. */
export function splitText(text: string, lengthMax: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > lengthMax) {
    const cut = cutOf(rest, lengthMax);
    parts.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return [...parts, rest].filter((part) => part.trim() !== "");
}

function cutOf(text: string, lengthMax: number): number {
  for (const separator of ["\n", " "]) {
    const at = text.lastIndexOf(separator, lengthMax);
    if (at >= lengthMax / 2) return at;
  }
  const codeUnit = text.charCodeAt(lengthMax - 1);
  const splitsPair = codeUnit >= 0xd800 && codeUnit <= 0xdbff;
  return splitsPair ? lengthMax - 1 : lengthMax;
}
