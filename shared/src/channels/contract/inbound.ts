// The door by which webhooks come in. The edge holds it, and core where it replays what was in quarantine. It is a record of functions, and
// none reads a clock, an environment or the network by itself.
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { InboundAccount, VerificationSecret } from "./account.ts";
import type { Channel } from "./channel.ts";

/** A webhook as it arrived: raw bytes, headers as received (a repeated header is joined with ", " and so fails a strict check). */
export interface WebhookRequest {
  method: string;
  /** The full URL, for platforms that sign it. */
  url: string;
  headers: WebhookHeaders;
  body: Uint8Array<ArrayBuffer>;
}

/** What is asked of a webhook's headers. The Web platform's `Headers` fit; names in any case. */
export type WebhookHeaders = Pick<Headers, "get" | "has">;

export interface InboundEvent {
  /** Filled but for `received_at` and `edge`, which the pipe sets. */
  message: Message;
  /** UTC day (YYYY-MM-DD) of the platform's own time for the event; empty when it gives none. The same for every repeat. */
  eventDay: string;
}

export type Normalised =
  | { kind: "messages"; events: InboundEvent[] }
  | { kind: "ignored"; reason: string }
  | { kind: "malformed"; reason: string };

export type Verified = { kind: "verified" } | { kind: "refused"; reason: string };

export interface PlatformAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type InboundOutcome = "accepted" | "ignored" | "malformed" | "unavailable";

/**
 * A webhook as its door reads it. Nothing is parsed before it is asked for, and then once: what is not verified yet costs no more than what
 * is asked of it. Nothing here throws for bad input.
 */
export interface WebhookReading {
  /**
   * The workspace that the request claims to come from, asked for before verification and therefore only a claim: it chooses
   * whose secrets must verify. Undefined when the platform sends none.
   */
  workspace(): string | undefined;
  /** Answers what the platform sends unsigned and expects answered (Slack's ssl_check). It may leave nothing behind. */
  unsignedHandshake?(): PlatformAnswer | undefined;
  /** Answers a handshake that is signed (Slack's url_verification). Asked for after the request was verified. */
  signedHandshake?(): PlatformAnswer | undefined;
  /** What is not understood is `malformed`, what is of no interest `ignored`. */
  normalise(account: InboundAccount): Normalised;
}

export interface InboundDoor {
  channel: Channel;
  /**
   * Fields of the body that hold secrets and that `normalise` does not read: they are taken out of what goes into quarantine (see
   * kit/redact-body.ts for the form). None when left out.
   */
  secretBodyFields?: readonly string[];
  /** Never throws. */
  read(request: WebhookRequest): WebhookReading;
  /** Checks the raw bytes against each secret, in constant time. No secret that fits is `refused`. Never throws for bad input. */
  verify(request: WebhookRequest, secrets: readonly VerificationSecret[], nowMs: number): Promise<Verified>;
  /** What the platform wants to hear for each outcome. */
  answer(outcome: InboundOutcome): PlatformAnswer;
}
