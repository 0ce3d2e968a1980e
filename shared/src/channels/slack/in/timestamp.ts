// Slack's `ts`: seconds and microseconds as text, at once a message's id within its channel and its time. Never a float.

export interface SlackTime {
  seconds: bigint;
  nanos: number;
}

/** `ts` has at most this many seconds: the end of the year 9999, where timestamps of the envelope end. */
const secondsMax = 253_402_300_799n;

const pattern = /^(\d{1,12})\.(\d{1,9})$/;

/** The time that a `ts` says, or undefined when it is not one. */
export function timeOfTs(ts: string): SlackTime | undefined {
  const match = pattern.exec(ts);
  if (!match) return undefined;
  const seconds = BigInt(match[1] ?? "");
  return seconds <= secondsMax ? { seconds, nanos: Number((match[2] ?? "").padEnd(9, "0")) } : undefined;
}

/** UTC day, YYYY-MM-DD. */
export function dayOf(time: SlackTime): string {
  return new Date(Number(time.seconds) * 1000).toISOString().slice(0, 10);
}
