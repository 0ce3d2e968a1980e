// For how long a conversation was answered 503 at a stretch. A platform asks now and then only, so the truth lies between two bounds: from the
// first refusal to the last one, and from the first refusal to the next 2xx.
import type { LoadMessage } from "../load/load.ts";

/** In milliseconds. */
export interface Refused {
  at_least: number;
  at_most: number;
}

/** The longest of all conversations; what was never answered 2xx again counts up to its last answer. */
export function longestRefusedMs(messages: readonly Pick<LoadMessage, "conversation" | "attempts">[]): Refused {
  const longest: Refused = { at_least: 0, at_most: 0 };
  for (const own of Map.groupBy(messages, ({ conversation }) => conversation).values()) {
    const attempts = own.flatMap((message) => message.attempts).toSorted((a, b) => a.answeredMs - b.answeredMs);
    let sinceMs: number | undefined;
    for (const { status, sentMs, answeredMs } of attempts) {
      if (status === 503) {
        sinceMs = Math.min(sinceMs ?? sentMs, sentMs);
        longest.at_least = Math.max(longest.at_least, Math.round(answeredMs - sinceMs));
      }
      if (sinceMs !== undefined) longest.at_most = Math.max(longest.at_most, Math.round(answeredMs - sinceMs));
      if (status >= 200 && status <= 299) sinceMs = undefined;
    }
  }
  return longest;
}
