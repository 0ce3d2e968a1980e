// For how long a conversation was answered 503 at a stretch: from the first such request until the next 2xx of the same conversation.
import type { LoadMessage } from "./load.ts";

/** In milliseconds, the longest of all conversations; what was never answered 2xx again counts up to its last answer. */
export function longestRefusedMs(messages: readonly Pick<LoadMessage, "conversation" | "attempts">[]): number {
  let longest = 0;
  for (const own of Map.groupBy(messages, ({ conversation }) => conversation).values()) {
    const attempts = own.flatMap((message) => message.attempts).toSorted((a, b) => a.answeredMs - b.answeredMs);
    let sinceMs: number | undefined;
    for (const { status, sentMs, answeredMs } of attempts) {
      if (status === 503) sinceMs = Math.min(sinceMs ?? sentMs, sentMs);
      if (sinceMs !== undefined) longest = Math.max(longest, answeredMs - sinceMs);
      if (status >= 200 && status <= 299) sinceMs = undefined;
    }
  }
  return longest;
}
