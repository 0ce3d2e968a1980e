// A text that is too long for one message, as several: cut at a line's end or a space where there is one, never inside a
// character or a `<…>` reference, and with a code block closed at the end of one part and opened again in the next.

const fence = "```";
/** A `<…>` longer than this is no reference but a stray sign: references hold one id or URL and a label. */
const referenceLengthMax = 3_000;

/** Parts of at most `lengthMax` UTF-16 code units, which must be 16 or more. A text that fits comes back as it is. */
export function splitText(text: string, lengthMax: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > lengthMax) {
    let cut = cutOf(rest, lengthMax);
    // A block that is open at the cut needs room for the sign that closes it.
    if (endsInBlock(rest.slice(0, cut))) cut = cutOf(rest, lengthMax - fence.length - 1);
    const part = rest.slice(0, cut);
    // The line end or space at the cut is what separates the parts; nothing else is dropped.
    rest = rest.slice(/[\n ]/.test(rest.charAt(cut)) ? cut + 1 : cut);
    const open = endsInBlock(part);
    parts.push(open ? `${part}\n${fence}` : part);
    if (open) rest = `${fence}\n${rest}`;
  }
  return [...parts, rest].filter((part) => part.trim() !== "");
}

function endsInBlock(part: string): boolean {
  return part.split(fence).length % 2 === 0;
}

/** Where to cut: after at least half of what fits, so that every part moves on. */
function cutOf(text: string, lengthMax: number): number {
  for (const separator of ["\n", " "]) {
    let at = text.lastIndexOf(separator, lengthMax);
    while (at > lengthMax / 2) {
      if (!isInsideReference(text, at)) return at;
      at = text.lastIndexOf(separator, at - 1);
    }
  }
  const cut = beforeFence(text, beforeReference(text, lengthMax));
  const safe = cut >= lengthMax / 2 ? cut : lengthMax;
  return isInsidePair(text, safe) ? safe - 1 : safe;
}

function isInsideReference(text: string, at: number): boolean {
  return referenceStart(text, at) !== undefined;
}

/** Where the reference around `at` begins, undefined when there is none. */
function referenceStart(text: string, at: number): number | undefined {
  const opens = text.lastIndexOf("<", at - 1);
  if (opens < 0 || at - opens > referenceLengthMax || !/[@#!a-z]/i.test(text.charAt(opens + 1))) return undefined;
  const closes = text.indexOf(">", opens);
  return closes >= at && closes - opens <= referenceLengthMax ? opens : undefined;
}

function beforeReference(text: string, at: number): number {
  return referenceStart(text, at) ?? at;
}

function beforeFence(text: string, at: number): number {
  let cut = at;
  while (cut > 1 && text.charAt(cut) === "`" && text.charAt(cut - 1) === "`") cut -= 1;
  return cut;
}

function isInsidePair(text: string, at: number): boolean {
  return /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
}
