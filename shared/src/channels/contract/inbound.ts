// The door by which webhooks come in. The edge holds it, and core where it replays what was in quarantine. It is a record of functions, and
// none reads a clock, an environment or the network by itself.
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { InboundAccount, VerificationSecret } from "./account.ts";

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

export interface InboundDoor {
  /** The slug of proto/channels.yaml (underscores; the URL path uses hyphens). */
  channelType: string;
  /** Set on a channel of the project's own tests: anybody may know its secrets, so no environment but `local` opens its doors. */
  localOnly?: true;
  /** Legacy paths that lead here too, without the slash: `["cliq"]`. */
  legacyPaths: readonly string[];
  /**
   * Fields of the body that hold secrets and that `normalise` does not read: they are taken out of what goes into quarantine (see
   * redact-body.ts for the form). None when left out.
   */
  secretBodyFields?: readonly string[];
  /**
   * Query parameters that the platform's OAuth redirect brings beside `code`, `state` and `error`, and that the channel's `oauth` needs.
   * Left out: the channel connects no workspaces by OAuth.
   */
  callbackParameters?: readonly string[];
  /**
   * The workspace that the request claims to come from, read before verification and therefore only a claim: it chooses
   * whose secrets must verify. Undefined when the platform sends none. Never throws.
   */
  claimedWorkspace(request: WebhookRequest): string | undefined;
  /** Answers what the platform sends unsigned and expects answered (Slack's ssl_check). It may leave nothing behind. */
  unsignedHandshake(request: WebhookRequest): PlatformAnswer | undefined;
  /** Checks the raw bytes against each secret, in constant time. No secret that fits is `refused`. Never throws for bad input. */
  verify(request: WebhookRequest, secrets: readonly VerificationSecret[], nowMs: number): Promise<Verified>;
  /** Answers a handshake that is signed (Slack's url_verification). Called after verify. */
  signedHandshake(request: WebhookRequest): PlatformAnswer | undefined;
  /** Never throws for bad input: what is not understood is `malformed`, what is of no interest `ignored`. */
  normalise(request: WebhookRequest, account: InboundAccount): Normalised;
  /** What the platform wants to hear for each outcome. */
  answer(outcome: InboundOutcome): PlatformAnswer;
}
