// A platform's ids are opaque, but they become parts of ours: bounded, and without broken characters or those that a database refuses.
import * as v from "valibot";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse.
const control = /[\u0000-\u001f\u007f]/;

export function platformId(lengthMax: number) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(lengthMax),
    v.check((text) => text.isWellFormed() && !control.test(text), "broken characters"),
  );
}
