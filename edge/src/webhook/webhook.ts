// The life of one webhook: body, recipient, handshake, verify, normalise, uplink, answer. Its ways out are the rows of `WebhookOutcome`.
// A 2xx for an event goes out only after every uplink that it feeds has stored it (G1); unverified leaves nothing behind (G11).
import { inboundEventBytes, sourceMessageIdFault } from "@mio/shared/bus/wire/inbound-event.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import type {
  InboundDoor,
  InboundEvent,
  Normalised,
  PlatformAnswer,
  Verified,
  WebhookReading,
  WebhookRequest,
} from "@mio/shared/channels/contract/inbound.ts";
import { isUuid } from "@mio/shared/ids.ts";
import type { Random } from "@mio/shared/random.ts";
import type { Directory } from "../directory/directory.ts";
import { nobodysLayout, type ShardLayout } from "../uplink/layout.ts";
import type { Body } from "./body.ts";
import { quarantineEvent } from "./quarantine.ts";
import { type OwnedSecret, type Recipient, recipientOf } from "./recipient.ts";
import { type Placed, type StoredAll, type StorePorts, storeAll } from "./store-all.ts";
import { traceparentOf } from "./trace.ts";

export interface WebhookPorts extends StorePorts {
  directory: Directory;
  random: Random;
}

/** A request as a host hands it over: of the Web platform's own, or less. */
export interface IncomingWebhook extends Omit<WebhookRequest, "body"> {
  /** Rejects when the client goes away in between. */
  body(): Body | Promise<Body>;
}

export type WebhookOutcome =
  | "accepted"
  | "ignored"
  | "quarantined"
  | "handshake"
  | "refused"
  | "unknown_url"
  | "too_large"
  | "too_slow"
  | "cut_short"
  | "not_loaded"
  | "moving"
  | "unavailable";

export interface WebhookResult {
  outcome: WebhookOutcome;
  answer: PlatformAnswer;
  /** A fixed word or a short sentence; never a secret or somebody's text. */
  reason: string;
  accountId: string;
  events: number;
  bodyBytes: number;
  spooled: boolean;
  traceparent: string;
}

interface WebhookContext {
  ports: WebhookPorts;
  door: InboundDoor;
  request: WebhookRequest;
  /** What the door makes of the request. */
  webhook: WebhookReading;
  receivedAtMs: number;
  traceparent: string;
}

type WebhookEnd = Pick<WebhookResult, "outcome" | "answer" | "reason"> & Partial<Pick<WebhookResult, "events" | "spooled">>;

const retryAfterSeconds = 2;
/** Of one request's events together. A body of 1 MiB whose long parts stand in each of many events could fill every queue behind us. */
const eventsBytesMax = 4 * 1024 * 1024;

/** Never rejects. */
export async function receiveWebhook(
  ports: WebhookPorts,
  door: InboundDoor,
  accountId: string | undefined,
  incoming: IncomingWebhook,
): Promise<WebhookResult> {
  const receivedAtMs = ports.clock.nowMs();
  const traceparent = traceparentOf(incoming.headers, ports.random);
  const body = await incoming.body();
  // What stands in a URL is anybody's text until it names an account.
  const facts = {
    accountId: isUuid(accountId ?? "") ? (accountId ?? "") : "",
    events: 0,
    bodyBytes: 0,
    spooled: false,
    traceparent,
  };
  switch (body.kind) {
    case "too_large":
      return { ...facts, ...tooLarge("body") };
    case "too_slow":
      return { ...facts, outcome: "too_slow", answer: plain(408, "too slow"), reason: "body_too_slow" };
    case "cut_short":
      return { ...facts, outcome: "cut_short", answer: plain(400, "cut short"), reason: "body_cut_short" };
    case "body":
  }
  const request = { method: incoming.method, url: incoming.url, headers: incoming.headers, body: body.bytes };
  const webhook = door.read(request);
  const recipient = await recipientOf(ports.directory, door.channel.slug, webhook, accountId, receivedAtMs);
  const end = await handle({ ports, door, request, webhook, receivedAtMs, traceparent }, recipient);
  return {
    ...facts,
    bodyBytes: body.bytes.length,
    ...(recipient.kind === "account" ? { accountId: recipient.account.accountId } : {}),
    ...end,
  };
}

async function handle(context: WebhookContext, recipient: Recipient): Promise<WebhookEnd> {
  const { door, request, webhook } = context;
  if (recipient.kind === "not_loaded")
    return { outcome: "not_loaded", answer: unavailableAnswer(door), reason: "directory_not_loaded" };
  if (recipient.kind === "unknown_url")
    return { outcome: "unknown_url", answer: plain(404, "no such account"), reason: "unknown_account" };

  const unsigned = webhook.unsignedHandshake?.();
  if (unsigned) return { outcome: "handshake", answer: unsigned, reason: "unsigned" };
  const verified = await verify(context, recipient);
  if (verified.kind === "refused") return { outcome: "refused", answer: plain(401, "not verified"), reason: verified.reason };
  const signed = webhook.signedHandshake?.();
  if (signed) return { outcome: "handshake", answer: signed, reason: "signed" };

  // Only handshakes come as anything else, and those are answered.
  if (request.method !== "POST") return { outcome: "refused", answer: plain(405, "send a POST"), reason: "method" };
  if (recipient.kind === "nobody") {
    const { workspace, secrets } = recipient;
    return quarantine(context, { workspace, verifiers: secrets }, "no_account");
  }
  if (recipient.disabled) return quarantine(context, recipient, "account_disabled");
  const normalised = normalise(context, recipient.account);
  switch (normalised.kind) {
    case "ignored":
      return { outcome: "ignored", answer: door.answer("ignored"), reason: normalised.reason };
    case "malformed":
      return quarantine(context, recipient, normalised.reason);
    case "messages":
      return accept(context, recipient.account, recipient.layout, normalised.events);
  }
}

/** A door that throws has a fault of ours: closed, never open. */
async function verify(context: WebhookContext, recipient: { secrets: Parameters<InboundDoor["verify"]>[1] }): Promise<Verified> {
  if (recipient.secrets.length === 0) return { kind: "refused", reason: "no_secret" };
  try {
    return await context.door.verify(context.request, recipient.secrets, context.receivedAtMs);
  } catch {
    return { kind: "refused", reason: "verify_threw" };
  }
}

/** A door that throws on verified bytes loses nothing: they go where what is not understood goes. */
function normalise(context: WebhookContext, account: InboundAccount): Normalised {
  try {
    return context.webhook.normalise(account);
  } catch {
    return { kind: "malformed", reason: "normalise_threw" };
  }
}

async function accept(
  context: WebhookContext,
  account: InboundAccount,
  layout: ShardLayout,
  events: readonly InboundEvent[],
): Promise<WebhookEnd> {
  const { receivedAtMs, traceparent } = context;
  const arrival = { receivedAtMs, region: context.ports.region, traceparent };
  const placed: Placed[] = [];
  let eventsBytes = 0;
  for (const event of events) {
    const bytes = inboundEventBytes(account, event, arrival);
    if (bytes === undefined) {
      const unusable = sourceMessageIdFault(event.message.sourceMessageId) !== undefined;
      return quarantine(context, { account, layout }, unusable ? "source_message_id" : "message_at_odds_with_account");
    }
    eventsBytes += bytes.length;
    if (eventsBytes > eventsBytesMax) return quarantine(context, { account, layout }, "too_much_in_one_request");
    placed.push({ accountId: account.accountId, layout, key: event.message.conversationId, bytes });
  }
  const stored = await storeAll(context.ports, placed);
  if (stored.kind !== "stored") return notStored(context.door, stored);
  return {
    outcome: "accepted",
    answer: context.door.answer("accepted"),
    reason: "",
    events: events.length,
    spooled: stored.spooled,
  };
}

async function quarantine(
  context: WebhookContext,
  whose: { account?: InboundAccount; layout?: ShardLayout; workspace?: string; verifiers?: readonly OwnedSecret[] },
  reason: string,
): Promise<WebhookEnd> {
  const { ports, door, request, receivedAtMs, traceparent } = context;
  const entry = await quarantineEvent({
    request,
    door,
    account: whose.account,
    workspace: whose.workspace ?? whose.account?.externalId ?? "",
    verifiers: whose.verifiers ?? [],
    reason,
    receivedAtMs,
    region: ports.region,
    traceparent,
  });
  const layout = whose.layout ?? nobodysLayout(ports.region);
  const accountId = whose.account?.accountId ?? "";
  const stored = await storeAll(ports, [{ accountId, layout, key: entry.id, bytes: entry.bytes }]);
  if (stored.kind !== "stored") return notStored(door, stored);
  return { outcome: "quarantined", answer: door.answer("malformed"), reason, events: 1, spooled: stored.spooled };
}

function notStored(door: InboundDoor, stored: Exclude<StoredAll, { kind: "stored" }>): WebhookEnd {
  switch (stored.kind) {
    case "too_large":
      return tooLarge("event");
    case "moving":
      return { outcome: "moving", answer: unavailableAnswer(door), reason: "account_moving" };
    case "unavailable":
      return { outcome: "unavailable", answer: unavailableAnswer(door), reason: stored.reason };
  }
}

function tooLarge(what: "body" | "event"): WebhookEnd {
  return { outcome: "too_large", answer: plain(413, "too large"), reason: `${what}_too_large` };
}

/** Where the door's answer has no Retry-After, ours is added. */
function unavailableAnswer(door: InboundDoor): PlatformAnswer {
  const answer = door.answer("unavailable");
  if (new Headers(answer.headers).has("retry-after")) return answer;
  return { ...answer, headers: { ...answer.headers, "retry-after": String(retryAfterSeconds) } };
}

function plain(status: number, text: string): PlatformAnswer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${text}\n` };
}
