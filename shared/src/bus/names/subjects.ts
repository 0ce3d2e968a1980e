// The subjects of the bus: spelt, built and parsed here and nowhere else. Their grammar is fixed:
// mio.<direction>.<channel_type>.<account_id>.<conversation_id>, and on outbound edits and deletes one more token.
import type { AccountId, ConversationId } from "../../ids.ts";

export const directions = ["inbound", "inbound_enriched", "outbound", "receipt", "attachment"] as const;
export type Direction = (typeof directions)[number];

export interface ConversationSubject {
  direction: Direction;
  channelType: string;
  accountId: AccountId;
  conversationId: ConversationId;
  /** Only on outbound edits and deletes. */
  messageId?: string;
}

const tokenPattern = /^[A-Za-z0-9_-]+$/;

/** Builds `mio.<direction>.…`; throws when a part is not one subject token, for it would reach somebody else's subject. */
export function subjectOf(subject: ConversationSubject): string {
  const tokens = [subject.channelType, subject.accountId, subject.conversationId];
  if (subject.messageId !== undefined) {
    if (subject.direction !== "outbound") throw new Error(`a ${subject.direction} subject has no message id`);
    tokens.push(subject.messageId);
  }
  return `${subjectStart(subject.direction)}${tokens.map(token).join(".")}`;
}

/** What every subject of a direction begins with, for who must put one together in another language. */
export function subjectStart(direction: Direction): string {
  return `mio.${direction}.`;
}

/** Filter of all conversations. */
export function conversationSubjects(direction: Direction): string {
  return `${subjectStart(direction)}>`;
}

/** Filter of one account's conversations, whatever its channel. Throws when the account is not one subject token. */
export function accountSubjects(direction: Direction, account: string): string {
  return `${subjectStart(direction)}*.${token(account)}.>`;
}

/** The parts of a subject, or undefined when it is not of the grammar. */
export function parseSubject(text: string): ConversationSubject | undefined {
  const [root, direction, channelType, accountId, conversationId, messageId, ...rest] = text.split(".");
  if (root !== "mio" || rest.length > 0) return undefined;
  const known = directions.find((each) => each === direction);
  if (!known || !isToken(channelType) || !isToken(accountId) || !isToken(conversationId)) return undefined;
  const subject = {
    direction: known,
    channelType,
    accountId: accountId as AccountId,
    conversationId: conversationId as ConversationId,
  };
  if (messageId === undefined) return subject;
  return known === "outbound" && isToken(messageId) ? { ...subject, messageId } : undefined;
}

/** All that there is; core may publish on any. */
export const everySubject = "mio.>";

export const ingressSubjects = "mio.ingress.>";

/** Throws when the region is not one subject token. */
export function ingressSubject(region: string, shard: number): string {
  return `mio.ingress.${token(region)}.${shard}`;
}

/** Region and shard of an ingress subject, or undefined when it is none. */
export function parseIngressSubject(text: string): { region: string; shard: number } | undefined {
  const match = /^mio\.ingress\.([A-Za-z0-9_-]+)\.(\d{1,5})$/.exec(text);
  return match ? { region: match[1] ?? "", shard: Number(match[2]) } : undefined;
}

/** Throws when the region is not one subject token. */
export function telemetrySubject(region: string, shard: number): string {
  return `mio.telemetry.${token(region)}.${shard}`;
}

/** Region and shard of a telemetry subject, or undefined when it is none. */
export function parseTelemetrySubject(text: string): { region: string; shard: number } | undefined {
  const match = /^mio\.telemetry\.([A-Za-z0-9_-]+)\.(\d{1,5})$/.exec(text);
  return match ? { region: match[1] ?? "", shard: Number(match[2]) } : undefined;
}

/** The reports of all edges about themselves. */
export const telemetrySubjects = "mio.telemetry.>";

/** Core's processes share the edges' reports: each is counted by one of them. */
export const telemetryQueue = "mio-core-telemetry";

/** Where core listens for people who come back from a platform's consent page. */
export const oauthSubjects = "mio.oauth.*";

/** Core's processes share the requests: each is answered by one of them. */
export const oauthQueue = "mio-oauth";

/** Throws when the channel type is not one subject token. */
export function oauthSubject(channelType: string): string {
  return `mio.oauth.${token(channelType)}`;
}

export const quarantineSubjects = "mio.quarantine.>";

/** One subject for each entry, so that a repeat falls on the same one. Throws when a part is not one subject token. */
export function quarantineSubject(channelType: string, entryId: string): string {
  return `mio.quarantine.${token(channelType)}.${token(entryId)}`;
}

/** Filter of one entry whose channel is not known. */
export function quarantineSubjectsOf(entryId: string): string {
  return `mio.quarantine.*.${token(entryId)}`;
}

export const deadLetterSubjects = "mio.dead_letter.>";

/** Filter of the dead letters of one service. Throws when its name is not one subject token. */
export function deadLetterSubjectsOf(service: string): string {
  return `mio.dead_letter.${token(service)}.>`;
}

/** Dead letters of one service; the last token is a key that makes a repeat fall on the same subject. */
export function deadLetterSubject(service: string, key: string): string {
  return `mio.dead_letter.${token(service)}.${token(key)}`;
}

/** True for what can stand between two dots of a subject: no wildcard, no dot, no space, not empty. */
export function isToken(text: string | undefined): text is string {
  return text !== undefined && tokenPattern.test(text);
}

function token(text: string): string {
  if (!isToken(text)) throw new Error(`not a subject token: ${JSON.stringify(text)}`);
  return text;
}
