// How a Slack event is named as a source_message_id. A message is `<channel>:<ts>`; whatever happens to it later begins with
// that name. The same event has the same name however it reaches us: webhook, retry, app_mention twin, or history.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { SourceMessageId } from "../../ids.ts";

export function messageSourceId(channel: string, ts: string): SourceMessageId {
  return named(`${channel}:${ts}`);
}

/**
 * `edited.ts` counts whole seconds, and two edits in one second are two events: eight hexadecimal digits of the new text's
 * hash tell them apart. History shows the last edit with the same time and text, so it gives the same name.
 */
export function editSourceId(channel: string, ts: string, editedTs: string, text: string): SourceMessageId {
  const hash = sha256(new TextEncoder().encode(text)).slice(0, 4);
  const digits = bytesToHex(hash);
  return named(`${channel}:${ts}:edit:${editedTs}:${digits}`);
}

export function deleteSourceId(channel: string, ts: string): SourceMessageId {
  return named(`${channel}:${ts}:delete`);
}

/** A deleted first message of a thread leaves a stone; the stone itself may be deleted later, on another day. */
export function tombstoneSourceId(channel: string, ts: string): SourceMessageId {
  return named(`${channel}:${ts}:delete:tombstone`);
}

export interface ReactionChange {
  user: string;
  reaction: string;
  removed: boolean;
  eventTs: string;
}

export function reactionSourceId(channel: string, ts: string, change: ReactionChange): SourceMessageId {
  return named(
    `${channel}:${ts}:reaction:${change.user}:${change.reaction}:${change.removed ? "removed" : "added"}:${change.eventTs}`,
  );
}

export function actionSourceId(channel: string, ts: string, user: string, actionId: string, actionTs: string): SourceMessageId {
  return named(`${channel}:${ts}:action:${user}:${actionId}:${actionTs}`);
}

/** A command has no time and no `ts`; its trigger is unique. */
export function commandSourceId(channel: string, triggerId: string): SourceMessageId {
  return named(`${channel}:command:${triggerId}`);
}

/** The `ts` in a message's name within a channel, or the text itself when it is a `ts` already; else undefined. */
export function tsOfSourceId(channel: string, text: string): string | undefined {
  const rest = text.startsWith(`${channel}:`) ? text.slice(channel.length + 1) : text;
  return /^(\d{1,12}\.\d{1,9})(?::|$)/.exec(rest)?.[1];
}

/** The one place where text becomes a Slack source id. */
function named(text: string): SourceMessageId {
  return text as SourceMessageId;
}
