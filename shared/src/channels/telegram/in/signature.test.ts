import { readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { telegramInbound } from "../inbound.ts";

const vectorSchema = v.object({
  id: v.string(),
  scheme: v.string(),
  secret: v.string(),
  method: v.string(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  body: v.string(),
  valid: v.boolean(),
});
const file = new URL("../fixtures/signature-vectors.json", import.meta.url);
const vectors = v.parse(v.array(vectorSchema), JSON.parse(readFileSync(file, "utf8")));

function request(headers: [string, string][]) {
  return {
    method: "POST",
    url: "http://edge/webhooks/telegram/x",
    headers: new Headers(headers),
    body: new TextEncoder().encode("{}"),
  };
}

const right = { scheme: "telegram-secret-token", value: "s3cret_Token-01" };
const header = "X-Telegram-Bot-Api-Secret-Token";

describe("the published vectors", () => {
  it.each(vectors)("G11: $id is judged as the vector says", async (vector) => {
    const secrets = [{ scheme: vector.scheme, value: vector.secret }];
    const verified = await telegramInbound.verify(request(vector.headers), secrets, 0);
    expect(verified.kind).toBe(vector.valid ? "verified" : "refused");
  });
});

describe("which secrets count", () => {
  it("accepts the old and the new secret while both are live", async () => {
    const secrets = [{ scheme: "telegram-secret-token", value: "new" }, right];
    expect(await telegramInbound.verify(request([[header, right.value]]), secrets, 0)).toEqual({ kind: "verified" });
  });

  const nothingFits: [string, string, { scheme: string; value: string }[]][] = [
    ["no secret is set", right.value, []],
    ["the secret is empty and so is the header", "", [{ scheme: "telegram-secret-token", value: "" }]],
    ["the secret is of another scheme", right.value, [{ scheme: "slack-v0", value: right.value }]],
    ["two headers are joined and a secret looks like that", "a, a", [{ scheme: "telegram-secret-token", value: "a, a" }]],
    ["the secret repeats itself", "aaaa", [{ scheme: "telegram-secret-token", value: "aa" }]],
    ["the header has 257 characters", "a".repeat(257), [{ scheme: "telegram-secret-token", value: "a".repeat(257) }]],
  ];
  it.each(nothingFits)("G11: refuses when %s", async (_, given, secrets) => {
    expect((await telegramInbound.verify(request([[header, given]]), secrets, 0)).kind).toBe("refused");
  });
});
