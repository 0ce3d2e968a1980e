import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccountId, ConversationId } from "../../ids.ts";
import {
  type ConversationSubject,
  deadLetterSubject,
  directions,
  ingressSubject,
  isToken,
  parseIngressSubject,
  parseSubject,
  quarantineSubject,
  subjectOf,
} from "./subjects.ts";

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const subject = fc.record({
  direction: fc.constantFrom(...directions),
  channelType: token,
  accountId: token.map((text) => text as AccountId),
  conversationId: token.map((text) => text as ConversationId),
});

/** What would reach another subject, several, or none. */
const hostile = [
  "",
  " ",
  ".",
  "*",
  ">",
  "a.b",
  "a.*",
  "a b",
  "a\n",
  "\u0000",
  "a>",
  "é",
  "👋",
  "a/b",
  "%2e",
  "\ud800",
  "a.b.c.d",
];

describe("conversation subjects", () => {
  it("round-trip", () => {
    fc.assert(
      fc.property(subject, (parts) => {
        expect(parseSubject(subjectOf(parts))).toEqual(parts);
      }),
    );
    fc.assert(
      fc.property(subject, token, (parts, messageId) => {
        const edit: ConversationSubject = { ...parts, direction: "outbound", messageId };
        expect(parseSubject(subjectOf(edit))).toEqual(edit);
      }),
    );
  });

  it("have the fixed grammar", () => {
    const parts = { channelType: "zoho_cliq", accountId: "a" as AccountId, conversationId: "c" as ConversationId };
    expect(subjectOf({ ...parts, direction: "inbound" })).toBe("mio.inbound.zoho_cliq.a.c");
    expect(subjectOf({ ...parts, direction: "inbound_enriched" })).toBe("mio.inbound_enriched.zoho_cliq.a.c");
    expect(subjectOf({ ...parts, direction: "outbound", messageId: "m" })).toBe("mio.outbound.zoho_cliq.a.c.m");
  });

  it("are not built of a hostile token, wherever it stands", () => {
    const good = {
      direction: "outbound" as const,
      channelType: "slack",
      accountId: "a" as AccountId,
      conversationId: "c" as ConversationId,
      messageId: "m",
    };
    for (const text of hostile) {
      for (const part of ["channelType", "accountId", "conversationId", "messageId"]) {
        expect(() => subjectOf({ ...good, [part]: text }), `${part} ${JSON.stringify(text)}`).toThrow(/not a subject token/);
      }
      expect(isToken(text)).toBe(false);
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!isToken(text));
        expect(() => subjectOf({ ...good, conversationId: text as ConversationId })).toThrow();
      }),
    );
  });

  it("have a message id on the way out only", () => {
    for (const direction of directions) {
      if (direction === "outbound") continue;
      const parts = {
        direction,
        channelType: "slack",
        accountId: "a" as AccountId,
        conversationId: "c" as ConversationId,
        messageId: "m",
      };
      expect(() => subjectOf(parts)).toThrow(/no message id/);
      expect(parseSubject(`mio.${direction}.slack.a.c.m`)).toBeUndefined();
    }
  });

  it("are not parsed from what is no subject", () => {
    for (const text of [
      "",
      "mio",
      "mio.inbound",
      "mio.inbound.slack.a",
      "mio.inbound.slack.a.",
      "mio.inbound..a.c",
      "mio.sideways.slack.a.c",
      "mio.toString.slack.a.c",
      "MIO.inbound.slack.a.c",
      "mio.inbound.slack.a.*",
      "mio.inbound.slack.a.>",
      "mio.inbound.slack.a.c\n",
      "mio.outbound.slack.a.c.m.x",
      "mio.outbound.slack.a.c.",
      "x.mio.inbound.slack.a.c",
    ]) {
      expect(parseSubject(text), JSON.stringify(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const parsed = parseSubject(text);
        if (parsed) expect(subjectOf(parsed)).toBe(text);
      }),
    );
  });
});

describe("our own subjects", () => {
  it("round-trip on ingress", () => {
    fc.assert(
      fc.property(token, fc.integer({ min: 0, max: 99_999 }), (region, shard) => {
        expect(parseIngressSubject(ingressSubject(region, shard))).toEqual({ region, shard });
      }),
    );
    for (const text of [
      "mio.ingress.eu",
      "mio.ingress.eu.x",
      "mio.ingress.eu.-1",
      "mio.ingress.eu.1.2",
      "mio.ingress.eu.123456",
      "mio.inbound.eu.1",
    ]) {
      expect(parseIngressSubject(text), text).toBeUndefined();
    }
  });

  it("are not built of a hostile token", () => {
    expect(quarantineSubject("slack", "q1")).toBe("mio.quarantine.slack.q1");
    expect(deadLetterSubject("sender", "seq-1")).toBe("mio.dead_letter.sender.seq-1");
    for (const text of hostile) {
      expect(() => ingressSubject(text, 0)).toThrow();
      expect(() => quarantineSubject("slack", text)).toThrow();
      expect(() => quarantineSubject(text, "q")).toThrow();
      expect(() => deadLetterSubject("sender", text)).toThrow();
    }
  });
});
