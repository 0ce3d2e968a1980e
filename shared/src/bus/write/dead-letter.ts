// What cannot be handled is kept, with its reason and its scopes, on a subject of its own: a repeat falls on the same subject and is
// refused there, so each is kept once. The scopes are headers, because what lies here often cannot be decoded (G13 needs them).
import { failureOf } from "../client/bus-client.ts";
import type { Bus } from "../client/connection.ts";
import { isFenceRefusal, jetStreamErrors, publishAcked } from "../client/jetstream-api.ts";
import { headerText } from "../names/headers.ts";
import { deadLetterSubject } from "../names/subjects.ts";

export const deadLetterHeaders = {
  reason: "Mio-Reason",
  /** `<stream> <sequence> [<index in the group>]`: where the original stood. */
  source: "Mio-Source",
  subject: "Mio-Subject",
  tenantId: "Mio-Tenant-Id",
  accountId: "Mio-Account-Id",
  conversationId: "Mio-Conversation-Id",
  senderExternalId: "Mio-Sender-External-Id",
} as const;

export interface DeadLetter {
  /** Whose it is: a service, or `agent-<name>`. */
  service: string;
  stream: string;
  sequence: number;
  /** Which stream counted the sequence, see `Origin`: one that was recreated counts from 1 again. */
  streamEpochMs?: number;
  /** Position in a group, for what was one of several. */
  index?: number;
  subject: string;
  /** A sentence without anybody's text. */
  reason: string;
  data: Uint8Array;
  /** As far as they are known. */
  scopes?: { tenantId?: string; accountId?: string; conversationId?: string; senderExternalId?: string };
}

const timeoutMs = 5_000;

/** Resolves once it is kept, also when it was before. Rejects when the bus does not take it; call again. */
export async function publishDeadLetter(bus: Bus, deadLetter: DeadLetter): Promise<void> {
  const { stream, sequence, index, scopes = {} } = deadLetter;
  const key = [stream, deadLetter.streamEpochMs || undefined, sequence, index].filter((part) => part !== undefined).join("-");
  const named: [string, string | undefined][] = [
    [deadLetterHeaders.reason, deadLetter.reason],
    [deadLetterHeaders.source, [stream, sequence, index].filter((part) => part !== undefined).join(" ")],
    [deadLetterHeaders.subject, deadLetter.subject],
    [deadLetterHeaders.tenantId, scopes.tenantId],
    [deadLetterHeaders.accountId, scopes.accountId],
    [deadLetterHeaders.conversationId, scopes.conversationId],
    [deadLetterHeaders.senderExternalId, scopes.senderExternalId],
  ];
  const headers = Object.fromEntries(named.flatMap(([name, value]) => (value ? [[name, valueText(value)]] : [])));
  await publishKept(bus, deadLetterSubject(deadLetter.service, key), deadLetter.data, headers);
}

/** Publishes to a subject that takes one message ever. A body that is too large is left out, and a header gives its size. */
export async function publishKept(
  bus: Bus,
  subject: string,
  data: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const attempt = (body: Uint8Array, more: Readonly<Record<string, string>> = {}) =>
    publishAcked(bus, subject, body, { timeoutMs, expectedLastSubjectSequence: 0, headers: { ...headers, ...more } });
  const withoutBody = () => attempt(new Uint8Array(0), { "Mio-Body-Bytes": String(data.length) });
  let ack = await attempt(data).catch((error: unknown) => {
    if (failureOf(error) === "too_large") return withoutBody();
    throw error;
  });
  if (ack.kind === "refused" && ack.code === jetStreamErrors.messageTooLarge) ack = await withoutBody();
  if (ack.kind === "refused" && !isFenceRefusal(ack.code))
    throw new Error(`${subject} was refused: ${ack.description} (${ack.code})`);
}

/** Keeps words apart: only what a header cannot carry is encoded, and nothing is longer than needed to recognise it. */
function valueText(text: string): string {
  return text.slice(0, 1_000).split(" ").map(headerText).join(" ");
}
