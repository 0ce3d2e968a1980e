// Each body's secret goes, and nothing else changes: the normaliser must find in it what it found before.
import { describe, expect, it } from "vitest";
import { webhookFixturesOf } from "../conformance/fixture.ts";
import { slackInbound } from "../slack/inbound.ts";
import { redactBody } from "./redact-body.ts";

const fields = ["token", "payload.token"];
const bytesOf = (text: string) => new TextEncoder().encode(text);
const redact = (text: string) => new TextDecoder().decode(redactBody(bytesOf(text), fields));

describe("redactBody", () => {
  it.each([
    ['{"token":"s3cret","a":1}', '{"token":"redacted","a":1}'],
    [' { "token" : "s\\"3\\\\" }', ' { "token" : "redacted" }'],
    ['[{"deep":{"token":12.5e3}}]', '[{"deep":{"token":"redacted"}}]'],
    ['{"token":"cut off', '{"token":"redacted"'],
    ['{"token":"cut off\\', '{"token":"redacted"'],
    ["token=s3cret&a=1", "token=redacted&a=1"],
    ["a=1&token=s%26x", "a=1&token=redacted"],
    ["payload=%7B%22token%22%3A%22s3%5C%22cret%22%2C%22a%22%3A1%7D", "payload=%7B%22token%22%3A%22redacted%22%2C%22a%22%3A1%7D"],
    ["payload=%7B%22token%22+%3a+%22s+x", "payload=%7B%22token%22+%3a+%22redacted"],
  ])("takes the secret out of %s", (before, after) => {
    expect(redact(before)).toBe(after);
  });

  it.each([
    "",
    "{}",
    '{"tokens":"x","a_token":"y","token":null,"token":{"a":"b"}}',
    // Somebody's text that speaks of tokens.
    '{"text":"https://x.example/?a=1&token=2 {\\"token\\":\\"mine\\"}"}',
    "text=%7B%22token%22%3A%22mine%22%7D%26token%3Dmine",
    "payload=%7B%22text%22%3A%22%7B%5C%22token%5C%22%3A%5C%22mine%5C%22%7D%22%7D",
  ])("leaves %s as it is", (text) => {
    expect(redact(text)).toBe(text);
  });

  it("changes no other byte, of whatever encoding, and takes a body of 1 MiB in its stride", () => {
    const odd = Uint8Array.from({ length: 256 }, (_, index) => index);
    const head = bytesOf('{"token":"x","rest":');
    const body = Uint8Array.from([...head, ...odd]);
    expect([...redactBody(body, fields)]).toEqual([...bytesOf('{"token":"redacted","rest":'), ...odd]);
    expect(redact(`{"token":"${"x".repeat(1_048_000)}"}`)).toBe('{"token":"redacted"}');
    expect(redact(`{"token":"${'\\"'.repeat(524_000)}"}`)).toBe('{"token":"redacted"}');
    expect(redact(`payload=%7B%22token%22%3A%22${"%5C%22".repeat(174_000)}%22%7D`)).toBe(
      "payload=%7B%22token%22%3A%22redacted%22%7D",
    );
    expect(redact(`{"token":"`.repeat(100_000)).length).toBeLessThan(3_000_000);
  });
});

describe("a door that names secrets in its bodies", () => {
  it("G3: understands the same without them", () => {
    expect(slackInbound.secretBodyFields).toEqual(fields);
    let changed = 0;
    for (const { request, account } of webhookFixturesOf("slack")) {
      const kept = { ...request, body: redactBody(request.body, fields) };
      if (kept.body !== request.body) changed += 1;
      expect(slackInbound.read(kept).normalise(account)).toEqual(slackInbound.read(request).normalise(account));
      expect(slackInbound.read(kept).workspace()).toBe(slackInbound.read(request).workspace());
      expect(new TextDecoder().decode(kept.body)).not.toMatch(/XXYYZZ|Jhj5dZrVaK7ZwHHjRyZWjbDl/);
    }
    expect(changed).toBeGreaterThan(40);
  });
});
