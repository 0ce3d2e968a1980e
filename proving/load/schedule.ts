// Who writes when: an open load. Every moment is drawn from the seed and nothing else, so a slow system is asked no less than a fast one.
import type { Random } from "@mio/shared/random.ts";

/** One message that a person is going to write. */
export interface Turn {
  /** After the start of the run. */
  atMs: number;
  /** Which of the conversations, from 0 on. */
  lane: number;
  conversation: string;
  /** Counted from 1 within the conversation, in the order of writing. */
  k: number;
  user: string;
}

export interface ScheduleOptions {
  /** Messages a second over all conversations. */
  rate: number;
  conversations: number;
  random: Random;
}

const usersMax = 1_000;

/** Without end: one message in each slot of 1/rate, at a moment drawn within it; each falls to a conversation by chance. */
export function* scheduleOf({ rate, conversations, random }: ScheduleOptions): Generator<Turn, never> {
  const counts = new Map<number, number>();
  const slotMs = 1_000 / rate;
  for (let slot = 0; ; slot += 1) {
    const lane = Math.floor(random.next() * conversations);
    const k = (counts.get(lane) ?? 0) + 1;
    counts.set(lane, k);
    const atMs = (slot + random.next()) * slotMs;
    yield { atMs, lane, conversation: `load-${lane}`, k, user: `user-${Math.floor(random.next() * usersMax)}` };
  }
}
