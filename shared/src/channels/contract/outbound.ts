// The door by which messages go out: planned without any I/O, then sent call by call. The sender holds it.
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { SourceMessageId } from "../../ids.ts";
import type { OutboundAccount } from "./account.ts";
import type { Channel } from "./channel.ts";

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

export type DeliveryGrade = "exactly_once" | "reconcilable" | "cannot_tell";

export interface OutboundDoor {
  channel: Channel;
  grade(account: OutboundAccount): DeliveryGrade;
  /** Renders and splits: pure, so it can be tested and repeated. Rejects what the channel can never send. */
  plan(command: SendCommand, editTarget: EditTarget | undefined): Plan;
  /** One call to the platform. Throws DeliveryError and nothing else. `idempotencyKey` is stable over retries of the same call. */
  deliver(call: PlannedCall, context: { account: OutboundAccount; fetch: SendFetch; idempotencyKey: string }): Promise<Delivered>;
  /** The canonical source_message_id of a message that we sent, so that reactions and replies to it can be joined to its command. */
  sourceMessageIdOf(conversationExternalId: string, externalId: string): SourceMessageId;
}
