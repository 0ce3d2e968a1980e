// The sample channel's door for the edge: JSON with conversations and texts, under a shared secret in a header. It does all that a platform's
// door may do (handshakes, an OAuth redirect, a fault of its own) without a format, so that the pipe is tested for itself; the registered
// channel `test` has a simulator to agree with, and does none of these.
import { create } from "@bufbuild/protobuf";
import { ConversationKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { Channel } from "@mio/shared/channels/contract/channel.ts";
import type {
  InboundDoor,
  InboundEvent,
  PlatformAnswer,
  WebhookReading,
  WebhookRequest,
} from "@mio/shared/channels/contract/inbound.ts";
import { conversationIdOf, messageIdOf, type SourceMessageId } from "@mio/shared/ids.ts";
import * as v from "valibot";

export const sampleChannel = "sample_chat";

const payload = v.variant("type", [
  v.object({
    type: v.literal("say"),
    workspace: v.optional(v.string()),
    events: v.array(v.object({ to: v.string(), id: v.string(), text: v.string() })),
  }),
  v.object({ type: v.literal("hello"), workspace: v.optional(v.string()), challenge: v.string() }),
  v.object({ type: v.literal("other"), workspace: v.optional(v.string()) }),
  v.object({ type: v.literal("throw"), workspace: v.optional(v.string()) }),
]);

export type SamplePayload = v.InferOutput<typeof payload>;

/** The record is all that a channel may be: an old path, parameters of a redirect. */
export const sampleRecord: Channel = {
  slug: sampleChannel,
  legacyPaths: ["sample"],
  limits: { ratePerSecond: 5_000, textLengthMax: 1_000, settleMs: 0 },
  capabilities: ["reply", "edit"],
  attributes: {},
  callbackParameters: ["location"],
};

export const sampleInbound: InboundDoor = sampleReading(() => ({}));

/** The same door, which reads what a test makes of it. */
export function sampleReading(change: (reading: WebhookReading) => Partial<WebhookReading>): InboundDoor {
  return {
    channel: sampleRecord,
    read: (request) => {
      const reading = read(request);
      return { ...reading, ...change(reading) };
    },
    verify: async (request, secrets) =>
      secrets.some(({ value }) => request.headers.get("x-sample-secret") === value)
        ? { kind: "verified" }
        : { kind: "refused", reason: "bad_secret" },
    answer: (outcome) =>
      outcome === "unavailable" ? answer(503, "come again") : answer(200, outcome, { "x-sample-outcome": outcome }),
  };
}

function read(request: WebhookRequest): WebhookReading {
  const body = () => parse(request);
  return {
    workspace: () => body()?.workspace,
    unsignedHandshake: () => (new URL(request.url).searchParams.has("ssl_check") ? answer(200, "checked") : undefined),
    signedHandshake: () => {
      const said = body();
      return said?.type === "hello" ? answer(200, said.challenge) : undefined;
    },
    normalise: (account) => {
      const said = body();
      if (said === undefined) return { kind: "malformed", reason: "not_understood" };
      if (said.type === "throw") throw new Error("a fault of the door");
      if (said.type !== "say") return { kind: "ignored", reason: "not_of_interest" };
      return { kind: "messages", events: said.events.map((event) => eventOf(event, account)) };
    },
  };
}

export function samplePayload(text: SamplePayload): string {
  return JSON.stringify(text);
}

function eventOf(event: { to: string; id: string; text: string }, account: InboundAccount): InboundEvent {
  const sourceMessageId = `${event.to}:${event.id}` as SourceMessageId;
  const message = create(MessageSchema, {
    id: messageIdOf(account.accountId, sourceMessageId),
    schemaVersion: 1,
    tenantId: account.tenantId,
    accountId: account.accountId,
    channelType: account.channelType,
    conversationId: conversationIdOf(account.accountId, event.to),
    conversationExternalId: event.to,
    conversationKind: ConversationKind.CHANNEL_PUBLIC,
    sourceMessageId,
    sender: { externalId: "u1" },
    text: event.text,
  });
  return { message, eventDay: "2026-11-21" };
}

function parse(request: WebhookRequest): SamplePayload | undefined {
  try {
    const parsed = v.safeParse(payload, JSON.parse(new TextDecoder().decode(request.body)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function answer(status: number, body: string, headers: Record<string, string> = {}): PlatformAnswer {
  return { status, headers: { "content-type": "text/plain", ...headers }, body };
}
