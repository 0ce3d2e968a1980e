// A good body made wrong in one place at a time.
import { placesIn, replacedAt } from "./json-places.ts";

/** With each field, at any depth, replaced by each absurd value. JSON, or one JSON inside a form. */
export function* brokenBodies(body: Uint8Array): Generator<string> {
  const text = new TextDecoder().decode(body);
  const form = text.startsWith("{") ? undefined : new URLSearchParams(text);
  if (!form) return yield* brokenJson(JSON.parse(text));
  for (const [name, value] of form) {
    for (const wrong of ["", "\u0000", "a.b c\"d'%20", "9".repeat(400)]) {
      const changed = new URLSearchParams(form);
      changed.set(name, wrong);
      yield changed.toString();
    }
    const without = new URLSearchParams(form);
    without.delete(name);
    yield without.toString();
    if (value.startsWith("{"))
      for (const json of brokenJson(JSON.parse(value))) yield new URLSearchParams({ [name]: json }).toString();
  }
}

function* brokenJson(value: unknown): Generator<string> {
  for (const path of placesIn(value)) {
    for (const wrong of absurd) yield JSON.stringify(replacedAt(value, path, wrong)) ?? "";
  }
}

const absurd: readonly unknown[] = [
  null,
  undefined,
  "",
  0,
  -1,
  1e308,
  true,
  [],
  {},
  [null],
  "a.b c\"d'%20",
  "\ud800",
  "\u0000",
  "9".repeat(400),
  "ü👋",
];
