// Beyond the vectors, which the conformance suite runs for every door.
import { describe, expect, it } from "vitest";
import { telegramInbound } from "../inbound.ts";

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
