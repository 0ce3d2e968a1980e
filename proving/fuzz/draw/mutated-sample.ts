// A genuine body made wrong in a few places. Structure-aware: most stay near what is understood, where the bugs are.
import { placesIn, replacedAt } from "@mio/shared/channels/conformance/json-places.ts";
import fc from "fast-check";
import { canary } from "../canary.ts";

export interface Sample {
  contentType: string;
  body: string;
}

/** One to three values of a genuine body replaced, left out, doubled or renamed; JSON, a form, or JSON within a form. */
export function mutatedSample(samples: readonly Sample[]): fc.Arbitrary<{ body: string; contentType: string }> {
  const change = fc.record({
    where: fc.nat({ max: 400 }),
    how: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...absurdJson).map((raw) => ({ kind: "replace" as const, raw })) },
      { weight: 1, arbitrary: fc.constant({ kind: "leave_out" as const, raw: "" }) },
      { weight: 1, arbitrary: fc.constantFrom(...absurdJson).map((raw) => ({ kind: "double" as const, raw })) },
      { weight: 1, arbitrary: fc.constantFrom(...heavyJson).map((raw) => ({ kind: "replace" as const, raw })) },
      { weight: 1, arbitrary: fc.nat({ max: 60 }).map((times) => ({ kind: "replace" as const, raw: `${10 ** 12 + times}` })) },
    ),
  });
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([{ body, contentType }, changes]) => ({ body: changes.reduce(mutatedText, body), contentType }));
}

interface Change {
  where: number;
  how: { kind: "replace" | "leave_out" | "double"; raw: string };
}

function mutatedText(text: string, change: Change): string {
  // Made deep or long by an earlier change: enough, and too deep to be walked.
  if (text.length > sampleLengthMax) return text;
  const json = jsonOf(text);
  if (json !== undefined) return mutatedJson(json, change);
  const form = new URLSearchParams(text);
  const names = [...form.keys()];
  const name = names[change.where % Math.max(1, names.length)];
  if (name === undefined) return text;
  const inner = jsonOf(form.get(name) ?? "");
  if (change.how.kind === "leave_out" && inner === undefined) form.delete(name);
  else if (change.how.kind === "double") form.append(name, change.how.raw);
  else form.set(name, inner === undefined ? (jsonText(change.how.raw) ?? change.how.raw) : mutatedJson(inner, change));
  return form.toString();
}

const place = "@here@";
const sampleLengthMax = 3_500;

function mutatedJson(value: unknown, { where, how }: Change): string {
  const places = placesIn(value);
  const path = places[where % places.length] ?? [];
  if (how.kind === "leave_out") return JSON.stringify(replacedAt(value, path, undefined)) ?? "";
  const marked = JSON.stringify(replacedAt(value, path, how.kind === "double" ? [place] : place)) ?? "";
  const key = JSON.stringify(path.at(-1) ?? "");
  return how.kind === "double"
    ? marked.replace(`["${place}"]`, () => `1,${key}:${how.raw}`)
    : marked.replace(`"${place}"`, () => how.raw);
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function jsonText(raw: string): string | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Raw JSON that takes the place of a value. */
const absurdJson: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "0.5",
  "1e400",
  "-1e400",
  "1e21",
  "4503599627370497",
  "9007199254740993",
  "253402300800",
  "253402300799999",
  "4102444800001",
  "99999999999999999999",
  '""',
  '" "',
  '"0"',
  '"NaN"',
  '"-1"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"a.b *> \\u007f"',
  '"1700000000.000100"',
  '"9999999999999.1"',
  '"253402300799.999999999"',
  '"-1700000000.000100"',
  '"constructor"',
  '"__proto__"',
  `"${canary}"`,
  JSON.stringify("✓".repeat(255)),
  JSON.stringify("👋".repeat(128)),
  JSON.stringify("x".repeat(256)),
  JSON.stringify("x".repeat(5_000)),
  "[]",
  "{}",
  "[null]",
  "[[]]",
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  `{"${canary}":"${canary}","id":{"id":1}}`,
];

/** Seldom, for each takes as long as a hundred others. */
const heavyJson: readonly string[] = [
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
  `[${"{},".repeat(3_000)}{}]`,
  JSON.stringify("x".repeat(100_000)),
];
