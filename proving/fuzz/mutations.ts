// What an attacker, or a platform gone mad, makes of a genuine webhook. Structure-aware: most cases stay near what is understood, where
// the bugs are. Drawn by fast-check, so that a failure is shrunk and its seed draws it again.
import fc from "fast-check";
import type { HostileCase } from "./hostile-case.ts";
import { type HostilePlatform, hostilePlatforms, type Sample } from "./platforms.ts";

/** Stands in bodies, paths and headers; must never stand in a log. */
export const canary = "c4n4ry";

const bodyLimit = 1024 * 1024;

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

const proofHeaders = [
  "x-slack-signature",
  "x-slack-request-timestamp",
  "x-telegram-bot-api-secret-token",
  "x-webhook-signature",
  "x-webhook-timestamp",
  "x-cliq-webhook-secret",
  "x-cliq-signature",
  "x-test-signature",
];

const contentTypes = [
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

/** Of the form that core gives; nobody's. */
const goodState = "A".repeat(43);

const pathsOf = (platform: HostilePlatform): string[] => {
  const [own = "/"] = platform.paths;
  const name = own.slice("/webhooks/".length);
  return [
    ...platform.paths,
    `${own}/{account}`,
    `${own}/{account}`,
    `${own}/{account}?a=%20%27&ssl_check=1`,
    `${own}?ssl_check=1`,
    `${own}?${canary}`,
    `${own}/`,
    `/${own}`,
    `${own}/{account}/`,
    `${own}/{account}/more`,
    `${own}/{account}%00`,
    `${own}/{account}%2f..%2f..`,
    `${own}/%7Baccount%7D`,
    `${own}/00000000-0000-0000-0000-000000000000`,
    `${own}/${canary}`,
    `/webhooks/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    `/webhooks/${name.toUpperCase()}`,
    `/webhooks/${name}%00`,
    `/webhooks/${name}%`,
    `/webhooks/%zz`,
    `/webhooks/../webhooks/${name}`,
    `/webhooks/%2e%2e/${name}`,
    `/webhooks/${name};a=b`,
    `/webhooks/ü✓`,
    "/webhooks/__proto__",
    "/webhooks/constructor/{account}",
    "/webhooks",
    "/webhooks/",
    "/",
    "//",
    "/health",
    "/health/live",
    "/health/ready",
    `/health/${canary}`,
    `/oauth/${name}/callback?code=${canary}&state=${canary}`,
    `/oauth/${name}/callback`,
    `/oauth/${canary}/callback?error=access_denied`,
    `/oauth/%00/callback`,
    `/oauth/${name}/callback?state=${goodState}&code=${canary}`,
    `/oauth/${name}/callback?state=${goodState}&error=${canary}%00%0a`,
    `/oauth/${name}/callback?state=${goodState}&code=%ff%fe`,
    `/oauth/${name}/callback?state=${goodState}&state=${goodState}&code=1`,
    `/oauth/${name}/callback?state=${goodState}&code=${"c".repeat(5_000)}`,
    `/oauth/${name}/callback?${"location=x&".repeat(300)}state=${goodState}&code=1`,
    `/${"a/".repeat(500)}`,
    `${own}?${"a=1&".repeat(1_000)}`,
  ];
};

const methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "PROPFIND"];

/** Any hostile case of any platform. */
export function hostileCases(): fc.Arbitrary<HostileCase> {
  return fc.oneof(...hostilePlatforms.map(casesOf));
}

function casesOf(platform: HostilePlatform): fc.Arbitrary<HostileCase> {
  const [shared = ""] = platform.paths;
  const anyAccount = fc.nat({ max: platform.accounts.length - 1 });
  // The samples name the workspace of the first.
  const account = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: anyAccount });
  const ordinaryTarget = fc.constantFrom(shared, `${shared}/{account}`);
  const signed = account.map((by) => ({ by, skewSeconds: 0 }));
  const skewed = fc.record({ by: account, skewSeconds: fc.constantFrom(-100_000_000, -601, -301, -299, 299, 301, 601, 1e9) });
  const ordinaryBody = fc.constantFrom(...platform.samples);
  const base = fc.record({ of: account, target: ordinaryTarget });

  const mutatedBody = base.chain((rest) =>
    mutatedSample(platform.samples).map(({ body, contentType }) => ({ ...rest, body, contentType })),
  );
  const sampleBody = fc.tuple(base, ordinaryBody).map(([rest, { body, contentType }]) => ({ ...rest, body, contentType }));
  const anyBody = fc
    .tuple(base, oddBody(), fc.constantFrom(...contentTypes))
    .map(([rest, body, contentType]) => ({ ...rest, body, contentType }));

  const finish = (parts: fc.Arbitrary<Partial<HostileCase>>): fc.Arbitrary<HostileCase> =>
    parts.map((given) => ({
      channel: platform.channelType,
      method: "POST",
      target: shared,
      of: 0,
      contentType: "application/json",
      body: "",
      spoil: [],
      headers: [],
      ...given,
    }));
  const merged = (...parts: fc.Arbitrary<Partial<HostileCase>>[]) =>
    finish(fc.tuple(...parts).map((all) => Object.assign({}, ...all)));

  const signing = signed.map((sign) => ({ sign }));
  const pages = pathsOf(platform).filter((path) => /^\/(oauth|health)/.test(path));
  return fc.oneof(
    {
      weight: 1,
      arbitrary: merged(
        fc.constantFrom(...pages).map((target) => ({ target })),
        fc.constantFrom("GET", "GET", "HEAD", "POST").map((method) => ({ method })),
      ),
    },
    { weight: 12, arbitrary: merged(mutatedBody, signing) },
    { weight: 3, arbitrary: merged(anyBody, signing) },
    {
      weight: 3,
      arbitrary: merged(
        sampleBody,
        signing,
        spoils().map((spoil) => ({ spoil })),
      ),
    },
    {
      weight: 3,
      arbitrary: merged(
        sampleBody,
        signing,
        headerChanges().map((headers) => ({ headers })),
      ),
    },
    {
      weight: 2,
      arbitrary: merged(
        sampleBody,
        skewed.map((sign) => ({ sign })),
      ),
    },
    { weight: 1, arbitrary: merged(sampleBody, signing) },
    {
      weight: 1,
      arbitrary: merged(
        sampleBody,
        fc.constantFrom(...methods).map((method) => ({ method })),
        signing,
      ),
    },
    {
      weight: 3,
      arbitrary: merged(
        sampleBody,
        signing,
        fc.constantFrom(...pathsOf(platform)).map((target) => ({ target })),
      ),
    },
    {
      weight: 1,
      arbitrary: merged(
        anyBody,
        headerChanges().map((headers) => ({ headers })),
        fc.constantFrom(...pathsOf(platform)).map((target) => ({ target })),
        fc.constantFrom("POST", ...methods).map((method) => ({ method })),
      ),
    },
  );
}

function oddBody(): fc.Arbitrary<HostileCase["body"]> {
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

function spoils(): fc.Arbitrary<HostileCase["spoil"]> {
  const one = fc.oneof(
    fc.nat({ max: 100_000 }).map((flipBit) => ({ flipBit })),
    fc.nat({ max: 1_000 }).map((cutTo) => ({ cutTo })),
    fc.constantFrom(" ", "\n", "\0", "}", "&a=1").map((append) => ({ append })),
  );
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

function headerChanges(): fc.Arbitrary<HostileCase["headers"]> {
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

/** One to three values of a genuine body replaced, left out, doubled or renamed; JSON, a form, or JSON within a form. */
function mutatedSample(samples: readonly Sample[]): fc.Arbitrary<{ body: string; contentType: string }> {
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
  if (how.kind === "leave_out") return JSON.stringify(replaced(value, path, undefined)) ?? "";
  const marked = JSON.stringify(replaced(value, path, how.kind === "double" ? [place] : place)) ?? "";
  const key = JSON.stringify(path.at(-1) ?? "");
  return how.kind === "double"
    ? marked.replace(`["${place}"]`, () => `1,${key}:${how.raw}`)
    : marked.replace(`"${place}"`, () => how.raw);
}

function placesIn(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner).map((path) => [key, ...path]))];
}

function replaced(value: unknown, [key, ...rest]: string[], wrong: unknown): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return wrong;
  if (Array.isArray(value)) return value.map((inner, index) => (String(index) === key ? replaced(inner, rest, wrong) : inner));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? replaced(inner, rest, wrong) : inner]),
  );
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
