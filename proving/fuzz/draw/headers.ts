// What is done to headers after signing: taken away, doubled, replaced, and others added.
import fc from "fast-check";
import { canary } from "../canary.ts";
import type { HostileCase } from "../hostile-case.ts";

export function headerChanges(proofHeaders: readonly string[]): fc.Arbitrary<HostileCase["headers"]> {
  const name = fc.constantFrom(...proofHeaders, "content-type");
  const value = fc.constantFrom(...oddValues);
  const one = fc.oneof(
    name.map((remove) => ({ remove })),
    name.map((double) => ({ double })),
    fc.tuple(name, value).map(([set, to]) => ({ set, to })),
    fc.tuple(name, value).map(([add, text]) => ({ add, value: text })),
    fc.constantFrom(...contentTypes).map((to) => ({ set: "content-type", to })),
    fc.constantFrom(...otherHeaders).map(([add, text]) => ({ add, value: text })),
  );
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

export const contentTypes = [
  "application/json",
  "application/json; charset=utf-16",
  "APPLICATION/X-WWW-FORM-URLENCODED",
  "application/x-www-form-urlencoded; charset=ü",
  "application/x-www-form-urlencodedx",
  "multipart/form-data; boundary=x",
  "text/plain",
  "*/*",
  "",
  ";",
];

const oddValues = [
  "",
  ",",
  "0",
  "-1",
  "1e9",
  "NaN",
  "999999999999",
  "9999999999999",
  "v0=",
  `v0=${"0".repeat(64)}`,
  `sha256=${"0".repeat(64)}`,
  `t=0,v1=${"0".repeat(64)}`,
  "ü",
  "\u00ff\u0080",
  canary,
  "x".repeat(4_000),
];

const otherHeaders: [string, string][] = [
  ["content-encoding", "gzip"],
  ["content-encoding", "br, deflate"],
  ["traceparent", "00-00000000000000000000000000000000-0000000000000000-00"],
  ["traceparent", `00-${canary}`],
  ["user-agent", canary],
  ["cookie", `session=${canary}`],
  ["authorization", `Bearer ${canary}`],
  ["x-http-method-override", "DELETE"],
  ["x-forwarded-for", "127.0.0.1"],
  ["x-forwarded-host", "evil.example"],
  ["range", "bytes=0-0"],
  ["origin", "null"],
];
