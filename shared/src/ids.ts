// Ids are computed, never handed out: any region and any retry derives the same id for the same thing.
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Branded<"TenantId">;
export type AccountId = Branded<"AccountId">;
export type ConversationId = Branded<"ConversationId">;
export type MessageId = Branded<"MessageId">;
export type CommandId = Branded<"CommandId">;
/** The platform's own identity of an event, canonical for its channel and distinct per event. */
export type SourceMessageId = Branded<"SourceMessageId">;

const encoder = new TextEncoder();
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Lower-case UUID text, the only spelling that subjects and keys use. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** `uuid v5(account_id, "conversation:" + external id)`. Throws when accountId is not a UUID. */
export function conversationIdOf(accountId: AccountId, externalId: string): ConversationId {
  return uuidV5(accountId, `conversation:${externalId}`) as ConversationId;
}

/** `uuid v5(account_id, "message:" + source_message_id)`: also the id of the target of an edit, reply or reaction. */
export function messageIdOf(accountId: AccountId, sourceMessageId: SourceMessageId): MessageId {
  return uuidV5(accountId, `message:${sourceMessageId}`) as MessageId;
}

/** Namespace of what belongs to no account; a constant of this project, never to change. */
const rootNamespace = "6d696f00-0000-5000-8000-000000000000";

/** A tenant's id from its slug. */
export function tenantIdOf(slug: string): TenantId {
  return uuidV5(rootNamespace, `tenant:${slug}`) as TenantId;
}

/** An account's id from what makes it unique, so that creating it twice is creating it once. */
export function accountIdOf(tenantId: TenantId, channelType: string, externalId: string): AccountId {
  return uuidV5(tenantId, `account:${channelType}:${externalId}`) as AccountId;
}

/** Version 5 UUID (RFC 9562): SHA-1 over the namespace's 16 bytes and the name's UTF-8. */
export function uuidV5(namespace: string, name: string): string {
  if (!isUuid(namespace)) throw new Error(`uuid v5 needs a lower-case UUID as namespace, got ${JSON.stringify(namespace)}`);
  const nameBytes = encoder.encode(name);
  const input = new Uint8Array(16 + nameBytes.length);
  input.set(hexToBytes(namespace.replaceAll("-", "")));
  input.set(nameBytes, 16);
  const hash = sha1(input).slice(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytesToHex(hash);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * The id of the n-th command that a consumer group makes while it handles a message: a ULID whose time is the message's
 * `received_at` and whose 80 bits are a hash of (group, message, n). A handler that runs again makes the same ids (G6).
 */
export function commandIdOf(group: string, messageId: MessageId, receivedAtMs: number, index: number): CommandId {
  const hash = sha256(new TextEncoder().encode(`${group}\n${messageId}\n${index}`)).slice(0, 10);
  return ulidOf(receivedAtMs, hash) as CommandId;
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** ULID text: 48 bits of milliseconds, then 80 bits. `randomness` must hold 10 bytes. */
export function ulidOf(timeMs: number, randomness: Uint8Array): string {
  if (randomness.length !== 10) throw new Error(`a ULID takes 10 bytes of randomness, got ${randomness.length}`);
  let value = BigInt(Math.max(0, Math.trunc(timeMs))) & 0xffff_ffff_ffffn;
  for (const byte of randomness) value = (value << 8n) | BigInt(byte);
  let text = "";
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += crockford[Number((value >> shift) & 31n)];
  return text;
}

/**
 * FNV-1a, 32 bits, over the text's UTF-8: what the broker's own `partition()` computes, so both sides agree. Throws
 * when `count` is not a whole number from 1 on: NaN or a fraction would name a shard that nobody reads.
 */
export function partitionOf(text: string, count: number): number {
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`a partition count is a whole number from 1 on, got ${count}`);
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % count;
}
