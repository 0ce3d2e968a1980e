// Who writes when: an open load. Every moment is drawn from the seed before the run, so a slow system is asked no less than a fast one.
import type { Random } from "@mio/shared/random.ts";

/** One message that a person is going to write. */
export interface Turn {
  /** After the start of the run. */
  atMs: number;
  conversation: string;
  /** Counted from 1 within the conversation, in the order of writing. */
  k: number;
  user: string;
}

export interface ScheduleOptions {
  /** Messages a second over all conversations. */
  rate: number;
  seconds: number;
  conversations: number;
  random: Random;
}

const usersMax = 1_000;

/** `rate` x `seconds` messages, one in each slot of 1/rate at a moment drawn within it; each falls to a conversation by chance. */
export function scheduleOf({ rate, seconds, conversations, random }: ScheduleOptions): Turn[] {
  const counts = new Map<string, number>();
  const slotMs = 1_000 / rate;
  return Array.from({ length: Math.round(rate * seconds) }, (_, slot) => {
    const conversation = `load-${Math.floor(random.next() * conversations)}`;
    const k = (counts.get(conversation) ?? 0) + 1;
    counts.set(conversation, k);
    return { atMs: (slot + random.next()) * slotMs, conversation, k, user: `user-${Math.floor(random.next() * usersMax)}` };
  });
}
