// Bodies that no platform sends: empty, cut, of another encoding, deep, long, and around the limit.
import fc from "fast-check";
import type { HostileCase } from "../hostile-case.ts";

const bodyLimit = 1024 * 1024;

export function oddBody(): fc.Arbitrary<HostileCase["body"]> {
  return fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...oddBodies) },
    { weight: 2, arbitrary: fc.constantFrom(...heavyBodies) },
    {
      weight: 10,
      arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ base64: Buffer.from(bytes).toString("base64") })),
    },
    { weight: 10, arbitrary: fc.json({ maxDepth: 4 }) },
    { weight: 5, arbitrary: fc.webQueryParameters() },
  );
}

const oddBodies: readonly HostileCase["body"][] = [
  "",
  "0",
  " ",
  "null",
  '""',
  "[]",
  "{}",
  "{",
  "NaN",
  "\ufeff{}",
  "payload=",
  "payload=%7B",
  "payload=%",
  "payload=null&payload={}",
  "ssl_check=1",
  "a=1&__proto__=2&constructor=3",
  { base64: "//4=" },
  { base64: "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==" },
  { base64: "gA==" },
];

/** Deep, long, and around the limit: one less, exactly, one more, far more. */
const heavyBodies: readonly HostileCase["body"][] = [
  { before: "", repeat: "[", times: 100_000, after: "]".repeat(10) },
  { before: "", repeat: '{"event":', times: 50_000, after: "" },
  { before: '{"a":', repeat: "9", times: 400_000, after: "}" },
  { before: "", repeat: "a=1&", times: 100_000, after: "" },
  { before: "", repeat: '"token":"', times: 20_000, after: "" },
  { before: "payload=%7B%22token%22%3A%22", repeat: "a", times: 300_000, after: "" },
  ...[-1, 0, 1, bodyLimit].map((more) => ({
    before: '{"text":"',
    repeat: "x",
    times: bodyLimit - 11 + more,
    after: '"}',
  })),
];
