// The judge: what was acknowledged, against what stands on the streams. Pure, and proven by tests to find a lost, a doubled, a reordered
// and an unknown message, for a judge that finds nothing proves nothing.

/** Every message of a run says in its text which one it is. */
export function textOf(conversation: string, k: number): string {
  return `n:${conversation}:${k}`;
}

/** The parts of such a text, also where other words stand around it (an agent's answer quotes it). */
export function readText(text: string): { conversation: string; k: number } | undefined {
  const match = /n:([a-z0-9-]+):(\d+)/.exec(text);
  return match ? { conversation: match[1] ?? "", k: Number(match[2]) } : undefined;
}

/** One message that a person wrote, as the driver knows it. */
export interface Sent {
  conversation: string;
  /** Counted from 1 within the conversation, without holes. */
  k: number;
  /** Whether a 2xx was seen for it. Without one it may be there once or not at all. */
  acknowledged: boolean;
  /** Left out: within its conversation each was sent after the 2xx for the one before. */
  times?: SentTimes;
}

/** On one monotonic clock, both at the platform's side: the first request went out no earlier, and the first 2xx was sent no later. */
export interface SentTimes {
  firstRequestMs: number;
  /** Undefined while there was none. */
  acknowledgedMs: number | undefined;
}

/** One message on a stream, in the order of the stream. */
export interface Seen {
  sequence: number;
  text: string;
  accountId: string;
  /** The platform's own name of the conversation. */
  conversationExternalId: string;
  sourceMessageId: string;
}

/** Each finding is one line for a person: the message, and where it stands. */
export interface Judgement {
  lost: string[];
  doubled: string[];
  outOfOrder: string[];
  /** On the stream, and nobody wrote it. */
  unknown: string[];
}

/**
 * Judges one stream: each acknowledged message exactly once, each conversation in order, nothing unknown. In order means G4: what was
 * acknowledged before the first request with another went out stands before it; requests that overlap have no order.
 */
export function judge(sent: readonly Sent[], seen: readonly Seen[]): Judgement {
  const judgement: Judgement = { lost: [], doubled: [], outOfOrder: [], unknown: [] };
  const written = new Map(sent.map((each) => [textOf(each.conversation, each.k), each]));
  const firstSequences = new Map<string, number>();
  const events = new Map<string, number>();
  /** By conversation: of what stands on the stream so far, the one whose request went out last. */
  const latest = new Map<string, { sent: Sent; sequence: number }>();
  for (const { sequence, text, accountId, sourceMessageId } of seen) {
    const event = `${accountId} ${sourceMessageId}`;
    const known = readText(text);
    const name = known ? textOf(known.conversation, known.k) : "";
    const message = written.get(name);
    if (!known || !message) {
      judgement.unknown.push(`${name || "a message of another form"} at ${sequence}`);
      continue;
    }
    const before = firstSequences.get(name) ?? events.get(event);
    events.set(event, sequence);
    if (before !== undefined) {
      judgement.doubled.push(`${name} at ${before} and ${sequence}`);
      continue;
    }
    firstSequences.set(name, sequence);
    const last = latest.get(known.conversation);
    if (last && acknowledgedAt(message) < requestedAt(last.sent))
      judgement.outOfOrder.push(`${name} at ${sequence}, after ${last.sent.k} at ${last.sequence}`);
    if (!last || requestedAt(message) > requestedAt(last.sent)) latest.set(known.conversation, { sent: message, sequence });
  }
  for (const each of sent) {
    const name = textOf(each.conversation, each.k);
    if (each.acknowledged && !firstSequences.has(name)) judgement.lost.push(name);
  }
  return judgement;
}

function requestedAt({ k, times }: Sent): number {
  return times?.firstRequestMs ?? k;
}

/** Without times: after its own request, and before the next one's. */
function acknowledgedAt({ k, times }: Sent): number {
  return times ? (times.acknowledgedMs ?? Number.POSITIVE_INFINITY) : k + 0.5;
}

/** Both streams as one verdict; each finding says on which it was made. */
export function joinJudgements(judgements: Readonly<Record<string, Judgement>>): Judgement {
  const entries = Object.entries(judgements);
  const all = (kind: keyof Judgement) => entries.flatMap(([stream, each]) => each[kind].map((line) => `${stream}: ${line}`));
  return { lost: all("lost"), doubled: all("doubled"), outOfOrder: all("outOfOrder"), unknown: all("unknown") };
}

/** What a person sees of an agent's answers: the bot's messages of one conversation, each by its present text. */
export interface VisibleAnswers {
  conversation: string;
  botTexts: readonly string[];
}

/** Questions that are answered more than once, and those that are not answered, as texts. */
export function judgeAnswers(
  questions: readonly Sent[],
  visible: readonly VisibleAnswers[],
): { doubled: string[]; missing: string[] } {
  const counts = new Map<string, number>();
  for (const { botTexts } of visible) {
    for (const text of botTexts) {
      const about = readText(text);
      if (about) counts.set(textOf(about.conversation, about.k), (counts.get(textOf(about.conversation, about.k)) ?? 0) + 1);
    }
  }
  const names = questions.map((question) => textOf(question.conversation, question.k));
  return {
    doubled: names.filter((name) => (counts.get(name) ?? 0) > 1),
    missing: names.filter((name) => !counts.has(name)),
  };
}
