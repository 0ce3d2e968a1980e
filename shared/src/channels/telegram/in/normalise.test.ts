// Beyond the fixtures, which the conformance suite reads for every door.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccountId, TenantId } from "../../../ids.ts";
import type { InboundAccount } from "../../contract/account.ts";
import type { Normalised } from "../../contract/inbound.ts";
import { telegramInbound } from "../inbound.ts";

const account: InboundAccount = {
  tenantId: "00000000-0000-4000-8000-000000000001" as TenantId,
  accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
  channelType: "telegram",
  externalId: "999",
  settings: { bot_id: "999" },
};

function normalise(text: string): Normalised {
  const body = new TextEncoder().encode(text);
  return telegramInbound.read({ method: "POST", url: "http://edge/", headers: new Headers(), body }).normalise(account);
}

const plain = {
  update_id: 1,
  message: {
    message_id: 1,
    from: { id: 5, is_bot: false, first_name: "Ann" },
    chat: { id: 5, type: "private" },
    date: 1_700_000_000,
    text: "hi",
  },
};
const edited = { update_id: 2, edited_message: { ...plain.message, edit_date: 1_700_000_001 } };

function sourceIdOf(update: object): string | undefined {
  const normalised = normalise(JSON.stringify(update));
  return normalised.kind === "messages" ? normalised.events[0]?.message.sourceMessageId : undefined;
}

describe("ids", () => {
  it("tells two edits in one second apart", () => {
    expect(sourceIdOf(edited)).toBe("5:1:edit:1700000001:2");
    expect(sourceIdOf({ ...edited, update_id: 3 })).toBe("5:1:edit:1700000001:3");
  });

  it("keeps the largest exact ids as they are", () => {
    const chat = { id: -4_503_599_627_370_495, type: "supergroup" };
    expect(sourceIdOf({ update_id: 1, message: { ...plain.message, chat, message_id: 2_147_483_647 } })).toBe(
      "-4503599627370495:2147483647",
    );
  });
});

const wrong: [string, string][] = [
  ["nothing", ""],
  ["not JSON", "hello"],
  ["null", "null"],
  ["an array", "[]"],
  ["no update_id", "{}"],
  ["an update_id of text", '{"update_id":"1"}'],
  ["a negative update_id", '{"update_id":-1}'],
  ["a message of text", '{"update_id":1,"message":"hi"}'],
  ["a message of null", '{"update_id":1,"message":null}'],
  ["no chat", JSON.stringify({ update_id: 1, message: { ...plain.message, chat: undefined } })],
  [
    "a chat id of text",
    JSON.stringify({ update_id: 1, message: { ...plain.message, chat: { id: "5' or 1=1", type: "private" } } }),
  ],
  [
    "a chat id beyond 2^53",
    '{"update_id":1,"message":{"message_id":1,"chat":{"id":9007199254740993,"type":"private"},"date":1,"text":"hi"}}',
  ],
  ["a fractional message id", JSON.stringify({ update_id: 1, message: { ...plain.message, message_id: 1.5 } })],
  ["a date beyond year 9999", JSON.stringify({ update_id: 1, message: { ...plain.message, date: 1e15 } })],
  ["a file_id with spaces", JSON.stringify({ update_id: 1, message: { ...plain.message, document: { file_id: "a b" } } })],
  [
    "a callback id with a control character",
    JSON.stringify({ update_id: 1, callback_query: { id: "1\u0000", from: { id: 5 } } }),
  ],
  [
    "a reaction without sets",
    JSON.stringify({ update_id: 1, message_reaction: { chat: { id: 5, type: "private" }, message_id: 1, date: 1 } }),
  ],
];

describe("bad input", () => {
  it.each(wrong)("G11: %s is malformed, and no exception", (_, body) => {
    expect(normalise(body).kind).toBe("malformed");
  });

  it("never throws, whatever the JSON", () => {
    const update = fc.oneof(
      fc.jsonValue(),
      fc.record({ update_id: fc.nat(), message: fc.jsonValue(), message_reaction: fc.jsonValue() }),
    );
    fc.assert(
      fc.property(update, (value) => ["messages", "ignored", "malformed"].includes(normalise(JSON.stringify(value)).kind)),
    );
  });

  it("replaces half a surrogate pair, so that every copy is the same bytes", () => {
    const normalised = normalise(
      '{"update_id":1,"message":{"message_id":1,"chat":{"id":5,"type":"private"},"date":1,"text":"\\ud83d!"}}',
    );
    expect(normalised.kind === "messages" && normalised.events[0]?.message.text).toBe("\ufffd!");
  });
});

describe("answers", () => {
  it("asks for a repeat only of what could not be stored", () => {
    expect(telegramInbound.answer("unavailable")).toMatchObject({ status: 503, headers: { "Retry-After": "2" } });
  });

  it("lets nothing block its chat", () => {
    for (const outcome of ["accepted", "ignored", "malformed"] as const)
      expect(telegramInbound.answer(outcome)).toMatchObject({ status: 200, body: "" });
  });
});
