// Messages that go into two conversations at once and are told in one webhook, as only the test platform has them: each of the two is judged
// by itself. Both have one text; the conversation tells them apart.
import { readText, type Seen, type Sent, textOf } from "../judge/check.ts";

export function pairNames(conversation: string): [string, string] {
  return [`${conversation}-a`, `${conversation}-b`];
}

/** What was written, of one message of the load. */
export function pairOf(message: Sent): Sent[] {
  return pairNames(message.conversation).map((conversation) => ({ ...message, conversation }));
}

/** Gives one half of a pair on a stream its own name; everything else stays as it is. */
export function ofPair(seen: Seen): Seen {
  const known = readText(seen.text);
  if (!known || !pairNames(known.conversation).includes(seen.conversationExternalId)) return seen;
  return { ...seen, text: textOf(seen.conversationExternalId, known.k) };
}
