// Headers on the bus: their names, the broker's message ids, and the origin that fences a writer.

export const messageIdHeader = "Nats-Msg-Id";
export const expectedLastSubjectSequenceHeader = "Nats-Expected-Last-Subject-Sequence";
export const originHeader = "Mio-Origin";
/** The partition of the source that a message was read from, where one conversation's may come out of several. */
export const originPartitionHeader = "Mio-Origin-Partition";
export const traceparentHeader = "traceparent";

/** Where a published message came from. It grows within a conversation, so "at or past ours" means published. */
export interface Origin {
  /**
   * Which stream counted `sequence`: the creation time of the source stream in whole ms, the same for all who read it. A stream that was
   * deleted and recreated counts from 1 again, and origins of different streams say nothing about each other's messages.
   * 0 where no stream counts (receipts are numbered by the ledger).
   */
  streamEpochMs: number;
  sequence: number;
  /** Position in the group. */
  index: number;
}

/** `<stream epoch>.<sequence>.<index>`. */
export function formatOrigin(origin: Origin): string {
  return `${origin.streamEpochMs}.${origin.sequence}.${origin.index}`;
}

/** Undefined when the text is no origin; what `formatOrigin` writes comes back the same. */
export function parseOrigin(text: string | undefined): Origin | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text ?? "");
  return match ? { streamEpochMs: Number(match[1]), sequence: Number(match[2]), index: Number(match[3]) } : undefined;
}

/** Below zero when a is before b, zero when equal, above when after. */
export function compareOrigins(a: Origin, b: Origin): number {
  return a.streamEpochMs - b.streamEpochMs || a.sequence - b.sequence || a.index - b.index;
}

/** The same for every sighting of one event, whoever publishes it. */
export function inboundMessageId(accountId: string, sourceMessageId: string): string {
  return `inb:${accountId}:${headerText(sourceMessageId)}`;
}

/** The same for every publish of one command, so that a repeat is harmless. */
export function outboundMessageId(commandId: string): string {
  return `out:${commandId}`;
}

/** The same for every publish of one message to the enriched stream. */
export function enrichedMessageId(messageId: string): string {
  return `enr:${messageId}`;
}

/** Percent-encodes what a header value cannot carry; printable ASCII but "%" stays as it is. */
export function headerText(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]/gu, (character) =>
    encodeURIComponent(character.isWellFormed() ? character : "\ufffd"),
  );
}
