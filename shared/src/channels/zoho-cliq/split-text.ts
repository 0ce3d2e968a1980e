// A text that is too long for one message, as several: cut at a line's end or a space where there is one, never inside a
// character, and with a code block closed at the end of one part and opened again in the next.

const fence = "```";

/** Parts of at most `lengthMax` UTF-16 code units, which must be 16 or more. A text that fits comes back as it is. */
export function splitText(text: string, lengthMax: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > lengthMax) {
    const cut = cutOf(rest, lengthMax - fence.length - 1);
    const part = rest.slice(0, cut);
    // The line end or space at the cut is what separated the parts; nothing else is dropped.
    rest = rest.slice(/[\n ]/.test(rest.charAt(cut)) ? cut + 1 : cut);
    const open = part.split(fence).length % 2 === 0;
    parts.push(open ? `${part}\n${fence}` : part);
    if (open) rest = `${fence}\n${rest}`;
  }
  return [...parts, rest].filter((part) => part.trim() !== "");
}

/** Where to cut: after at least half of what fits, so that every part moves on. */
function cutOf(text: string, lengthMax: number): number {
  const window = text.slice(0, lengthMax + 1);
  for (const separator of ["\n", " "]) {
    const at = window.lastIndexOf(separator);
    if (at > lengthMax / 2) return at;
  }
  // Not between the halves of a character, and not inside a fence.
  let cut = lengthMax;
  while (cut > 1 && text.charAt(cut) === "`") cut -= 1;
  if (/[\ud800-\udbff]/.test(text.charAt(cut - 1))) cut -= 1;
  return cut > lengthMax / 2 ? cut : lengthMax;
}
