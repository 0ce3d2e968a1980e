// What every door owes whatever it is given: secrets that do not fit verify nothing, garbage never throws, each outcome has an answer.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { InboundAccount, VerificationSecret } from "../contract/account.ts";
import type { InboundDoor, InboundOutcome, WebhookRequest } from "../contract/inbound.ts";
import { brokenBodies } from "./broken-bodies.ts";
import type { Fixtures } from "./fixture-claims.ts";

const outcomes: readonly InboundOutcome[] = ["accepted", "ignored", "malformed", "unavailable"];

export function describeManners(door: InboundDoor, { proofs, webhooks }: Fixtures): void {
  /** What the platform could have sent, each understood as messages: their fields are broken one by one. */
  const understood = webhooks.filter(({ normalised }) => normalised.kind === "messages");
  /** Under which garbage is sent. */
  const contentTypes = [...new Set(webhooks.map(({ contentType }) => contentType))];
  const [account] = webhooks.map((webhook) => webhook.account);
  if (!account) throw new Error(`there is no webhook of ${door.channel.slug} to begin with`);

  describe(`${door.channel.slug}: what every inbound door owes`, () => {
    it("G11: refuses what no secret, an empty one or one of another scheme should verify", async () => {
      for (const { request, secret, nowMs } of proofs.filter((each) => each.verified)) {
        const useless: VerificationSecret[][] = [[], [{ ...secret, value: "" }], [{ ...secret, scheme: "other" }]];
        for (const secrets of useless) expect((await door.verify(request, secrets, nowMs)).kind).toBe("refused");
      }
    });

    it("verifies with either secret while a rotation overlaps", async () => {
      for (const { request, secret, nowMs } of proofs.filter((each) => each.verified)) {
        const wrong = { ...secret, value: `not ${secret.value}` };
        for (const secrets of [
          [wrong, secret],
          [secret, wrong],
        ]) {
          expect((await door.verify(request, secrets, nowMs)).kind).toBe("verified");
        }
      }
    });

    it("has an answer for each outcome: 2xx unless nothing was kept", () => {
      for (const outcome of outcomes) {
        const { status, headers, body } = door.answer(outcome);
        const expected = outcome === "unavailable" ? 503 : 200;
        expect(status, outcome).toBe(expected);
        expect(new Response(body, { status, headers }).status).toBe(expected);
      }
    });

    it("parses nothing before it is asked, and a body once, whatever is asked of it", () => {
      const decode = vi.spyOn(TextDecoder.prototype, "decode");
      try {
        for (const { name, request, account: whose } of webhooks) {
          decode.mockClear();
          const webhook = door.read(request);
          expect(decode, name).toHaveBeenCalledTimes(0);
          webhook.workspace();
          webhook.unsignedHandshake?.();
          webhook.signedHandshake?.();
          webhook.normalise(whose);
          expect(decode.mock.calls.length, name).toBeLessThanOrEqual(1);
        }
      } finally {
        decode.mockRestore();
      }
    });

    it("never throws for garbage, whatever it says it is", async () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: "binary", maxLength: 300 }).map(encoded),
        fc.json({ maxDepth: 4 }).map(encoded),
        fc.webQueryParameters().map(encoded),
      );
      await fc.assert(
        fc.asyncProperty(bytes, fc.constantFrom(...contentTypes, "", "text/plain", "*"), async (body, contentType) => {
          await survives(door, account, { ...blank(contentType), body: new Uint8Array(body) });
        }),
        { numRuns: 300 },
      );
    });

    it("never throws when one field of a good webhook is of a wrong type, missing or absurd", async () => {
      for (const { request, account: whose } of understood) {
        for (const body of brokenBodies(request.body)) await survives(door, whose, { ...request, body: encoded(body) });
      }
    });

    it("never throws for an empty body, deep nesting, or two megabytes", async () => {
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
      const deepObject = `${'{"event":'.repeat(50_000)}1${"}".repeat(50_000)}`;
      const large = JSON.stringify({ text: "x".repeat(2 * 1024 * 1024) });
      for (const contentType of contentTypes) {
        for (const body of ["", " ", "null", "0", '""', "[]", "{}", deep, deepObject, large]) {
          await survives(door, account, { ...blank(contentType), body: encoded(body) });
        }
      }
    });
  });
}

/** Everything that the edge asks a door about a request; what comes out must be publishable. */
async function survives(door: InboundDoor, account: InboundAccount, request: WebhookRequest): Promise<void> {
  const webhook = door.read(request);
  const claimed = webhook.workspace();
  expect(claimed === undefined || typeof claimed === "string").toBe(true);
  webhook.unsignedHandshake?.();
  expect((await door.verify(request, [{ scheme: "none", value: "secret" }], 1_700_000_000_000)).kind).toBe("refused");
  webhook.signedHandshake?.();
  const normalised = webhook.normalise(account);
  if (normalised.kind !== "messages") return expect(normalised.reason).toMatch(/^[a-z0-9_.]{1,120}$/i);
  expect(normalised.events.length).toBeGreaterThan(0);
  for (const { message, eventDay } of normalised.events) {
    expect(eventDay).toMatch(/^(\d{4}-\d\d-\d\d)?$/);
    expect(message.sourceMessageId).not.toBe("");
    expect(message.conversationExternalId).not.toBe("");
    // What cannot be encoded and read back cannot be published.
    expect(fromBinary(MessageSchema, toBinary(MessageSchema, message)).sourceMessageId).toBe(message.sourceMessageId);
  }
}

function blank(contentType: string): WebhookRequest {
  const headers = new Headers(contentType === "" ? {} : { "content-type": contentType });
  return { method: "POST", url: "https://gateway.example/webhooks", headers, body: new Uint8Array() };
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
