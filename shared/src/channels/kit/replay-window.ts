// How old a signed request may be, where the platform signs the time: what somebody recorded yesterday proves nothing today.

/** In both directions: 300 seconds pass, 301 fail. Slack's own recommendation, and ours where a platform has none. */
const replayWindowSeconds = 300;

/** `timestamp`: epoch seconds as the platform wrote them, digits only; of milliseconds the whole seconds. */
export function isWithinReplayWindow(timestamp: string, nowMs: number): boolean {
  return Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) <= replayWindowSeconds;
}
