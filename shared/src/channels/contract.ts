// What a channel is: one folder with a door for each kind of caller. The edge holds inbound doors, core holds outbound
// doors, local play holds simulators. Doors are records of functions; none reads a clock, an environment or the network by itself.
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Clock } from "../clock.ts";
import type { AccountId, SourceMessageId, TenantId } from "../ids.ts";
import type { Random } from "../random.ts";

// ---------------------------------------------------------------------------------------------------------------- inbound

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

/** One secret that may verify a webhook now. Old and new are both listed while a rotation overlaps. */
export interface VerificationSecret {
  /** The channel's own name for how it verifies, such as `slack-v0`: in the README of its folder. */
  scheme: string;
  value: string;
}

/** The account that a webhook is for, as the edge's directory knows it. */
export interface InboundAccount {
  tenantId: TenantId;
  accountId: AccountId;
  channelType: string;
  /** The platform's workspace, organisation or bot id. */
  externalId: string;
  /** Channel settings by name, such as the bot's own user id for the echo guard. */
  settings: Readonly<Record<string, string>>;
}

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

// --------------------------------------------------------------------------------------------------------------- outbound

export type DeliveryErrorKind = "rate_limited" | "unavailable" | "rejected" | "unknown";

/**
 * How a send failed. `unavailable`: certainly nothing was sent, try again. `rate_limited`: the same, after `retryAfterMs`.
 * `rejected`: the platform said no for good. `unknown`: it may or may not have been sent, so never simply try again.
 */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  readonly kind: DeliveryErrorKind;
  /** The platform's own code, or ours in lower_snake_case. Never a secret or a person's text. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(kind: DeliveryErrorKind, code: string, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * `fetch` for sending. Rejects with DeliveryError only: `unavailable` when no connection could be made, `unknown` when one was and no
 * complete answer came. Does not follow redirects.
 */
export type SendFetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> },
) => Promise<Response>;

export interface OutboundAccount {
  accountId: AccountId;
  externalId: string;
  settings: Readonly<Record<string, string>>;
  /** Bot token or access token. Never logged. */
  credential: string;
}

/** The platform's message that a command edits, resolved by the sender. */
export interface EditTarget {
  externalId: string;
}

/** One call to the platform, planned without any I/O. A long text may need several, in order. */
export interface PlannedCall {
  action: "send" | "edit";
  /** Opaque to the sender; what `deliver` needs. Must survive JSON. */
  payload: Readonly<Record<string, unknown>>;
}

export type Plan = { kind: "calls"; calls: PlannedCall[] } | { kind: "rejected"; code: string; reason: string };

export interface Delivered {
  /** The platform's id of the message; empty when it gives none. */
  externalId: string;
}

export interface ChannelLimits {
  /** Requests a second for one account when the operator sets none. */
  ratePerSecond: number;
  /** The longest text of one message, in UTF-16 code units. */
  textLengthMax: number;
  /** How long after an attempt's deadline a look-up may be believed. */
  settleMs: number;
}

export type DeliveryGrade = "exactly_once" | "reconcilable" | "cannot_tell";

export interface OutboundDoor {
  channelType: string;
  /** As on the inbound door. */
  localOnly?: true;
  limits: ChannelLimits;
  grade(account: OutboundAccount): DeliveryGrade;
  /** Renders and splits: pure, so it can be tested and repeated. Rejects what the channel can never send. */
  plan(command: SendCommand, editTarget: EditTarget | undefined): Plan;
  /** One call to the platform. Throws DeliveryError and nothing else. `idempotencyKey` is stable over retries of the same call. */
  deliver(call: PlannedCall, context: { account: OutboundAccount; fetch: SendFetch; idempotencyKey: string }): Promise<Delivered>;
  /** The canonical source_message_id of a message that we sent, so that reactions and replies to it can be joined to its command. */
  sourceMessageIdOf(conversationExternalId: string, externalId: string): SourceMessageId;
  /** How a workspace is connected by its own people; left out where the platform has no such thing. */
  oauth?: OAuthDoor;
}

/** Our app, as it is registered at the platform. */
export interface OAuthApp {
  clientId: string;
  /** Never logged. */
  clientSecret: string;
  /** What the person is asked to allow; the channel's usual ones when empty. */
  scopes: readonly string[];
  /** Named by the channel, such as addresses that take the platform's place. */
  settings: Readonly<Record<string, string>>;
}

export interface OAuthGrant {
  code: string;
  /** As it was given to `authorizeUrl`. */
  redirectUri: string;
  /** What the inbound door's `callbackParameters` brought: anybody may have written it. */
  parameters: Readonly<Record<string, string>>;
}

export type Exchanged =
  | {
      kind: "connected";
      /** The workspace, organisation or bot, as `claimedWorkspace` of the inbound door says it. */
      externalId: string;
      /** As people there named it. */
      displayName: string;
      credential: string;
      /** When the credential ends by itself; left out: never. */
      expiresInSeconds?: number;
      refreshToken?: string;
      /** For the account, as both doors know them. */
      settings: Record<string, string>;
    }
  /** The platform said no to this code for good. `code` as in DeliveryError. */
  | { kind: "rejected"; code: string };

export interface OAuthDoor {
  /** Where the person agrees. */
  authorizeUrl(app: OAuthApp, state: string, redirectUri: string): string;
  /** Throws DeliveryError for what may be tried again, and nothing else. Calls no address that only the grant names. */
  exchange(app: OAuthApp, grant: OAuthGrant, fetch: SendFetch): Promise<Exchanged>;
}

// -------------------------------------------------------------------------------------------------------------- simulator

/** What a simulator stands on. State is one JSON text, saved whenever it changed and loaded at the start. */
export interface SimulatorHost {
  /** Where the simulator itself is reached, such as `http://127.0.0.1:4010`, without a slash at the end. */
  baseUrl: string;
  clock: Clock;
  random: Random;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  load(): Promise<string | undefined>;
  /** Left out: nothing is kept beyond the process. */
  save?(state: string): Promise<void>;
  /** No wait between two attempts at a webhook is longer, whatever the platform's schedule says: for runs shorter than that. */
  retryWaitMsMax?: number;
  /** Told at once when something fails that is tried again, such as a save. */
  report?(error: unknown): void;
}

/** The platform itself, as strict as it is: its own endpoints, and `/_control` to act as a person (see simulator/README.md). */
export interface Simulator {
  channelType: string;
  fetch(request: Request): Promise<Response>;
  /** Stops deliveries and saves. */
  close(): Promise<void>;
}

export interface SimulatorKind {
  channelType: string;
  create(host: SimulatorHost): Promise<Simulator>;
}

/** What installing an app on a simulator gives: what an operator would type into `mio account create`. */
export interface InstalledApp {
  appId: string;
  account: {
    externalId: string;
    displayName: string;
    settings: Record<string, string>;
    secrets: VerificationSecret[];
    credential: string;
  };
}
