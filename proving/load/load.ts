// The load itself: plays a schedule on one platform or several, and knows of each message when it was due, written, told and acknowledged.
import { setTimeout as sleep } from "node:timers/promises";
import { type Sent, textOf } from "../judge/check.ts";
import { pairOf } from "./pairs.ts";
import type { LoadAttempt, LoadPlatform } from "./platform.ts";
import type { Turn } from "./schedule.ts";

export interface LoadMessage extends Sent {
  channel: string;
  /** The platform's id; empty while the platform itself has not answered. */
  id: string;
  /** How much later than its turn it was written: what this process, not the system, is to blame for. */
  lateMs: number;
  /** In the order in which they ended. */
  attempts: LoadAttempt[];
}

export interface PlayedLoad {
  messages: readonly LoadMessage[];
  /** From the first turn to the end of the last second, or to when the last message was really written. */
  tookMs: number;
}

export interface LoadSettings {
  /** Tells once more, for the platform, what the platform has given up, until it is acknowledged. */
  repeats: boolean;
  /** Beside so many webhooks that wait for their answer nothing new is written. */
  waitingMax: number;
}

/** What the load needs of a platform. */
export type LoadedPlatform = Pick<LoadPlatform, "channel" | "pairs" | "waiting" | "write" | "tried" | "redeliver">;

/** How often it is looked for what a platform has given up; a platform would take its time, and a run has little. */
const repeatEveryMs = 1_000;
const lookMs = 200;
/** What a webhook tells of stands before what that quotes, such as the message that an agent's reply is about. */
const firstText = /"text":"((?:[^"\\]|\\.)*)"/;
const pressedMs = 20;

export class Load {
  readonly messages: LoadMessage[] = [];
  /** Of `performance.now()`, once it plays. */
  startMs = 0;
  readonly #turns: Iterable<Turn>;
  readonly #repeats: boolean;
  readonly #waitingMax: number;
  readonly #written = new Map<string, { message: LoadMessage; platform: LoadedPlatform }>();
  #endAfterMs = Number.POSITIVE_INFINITY;

  constructor(turns: Iterable<Turn>, { repeats, waitingMax }: LoadSettings) {
    this.#turns = turns;
    this.#repeats = repeats;
    this.#waitingMax = waitingMax;
  }

  /** What the judge is to find on the streams. */
  get sent(): Sent[] {
    return [...this.#written.values()].flatMap(({ message, platform }) => (platform.pairs ? pairOf(message) : [message]));
  }

  /** For how long it plays, once that is known. */
  get seconds(): number {
    return Math.round(this.#endAfterMs / 1_000);
  }

  /** For the platform's `attempted`. What is no message of this load is ignored, such as a handshake or an agent's answer that quotes one. */
  attempted(body: string, attempt: LoadAttempt): void {
    const message = this.#written.get(firstText.exec(body)?.[1] ?? "")?.message;
    if (!message) return;
    message.attempts.push(attempt);
    const delivered = isDelivered(attempt);
    message.acknowledged ||= delivered;
    const before = message.times ?? { firstRequestMs: attempt.sentMs, acknowledgedMs: undefined };
    message.times = {
      firstRequestMs: Math.min(before.firstRequestMs, attempt.sentMs),
      acknowledgedMs: before.acknowledgedMs ?? (delivered ? attempt.answeredMs : undefined),
    };
  }

  /** The turns from that moment of the run on are not played any more. May be said while it plays, and has to be said for it to end. */
  endAfter(ms: number): void {
    this.#endAfterMs = ms;
  }

  /** Writes every message at its time; the conversations are spread evenly over the platforms. A signal ends it early. */
  async play(platforms: readonly LoadedPlatform[], signal: AbortSignal): Promise<PlayedLoad> {
    this.startMs = performance.now();
    const writing: Promise<unknown>[] = [];
    for (const { atMs, lane, ...message } of this.#turns) {
      await waitUntil(this.startMs + Math.min(atMs, this.#endAfterMs), signal);
      while (platforms.reduce((sum, { waiting }) => sum + waiting, 0) >= this.#waitingMax)
        await sleep(pressedMs, undefined, { signal });
      signal.throwIfAborted();
      if (atMs >= this.#endAfterMs) break;
      const platform = platforms[lane % platforms.length];
      if (!platform) throw new Error("a load needs a platform");
      const written = this.#write(platform, message, performance.now() - this.startMs - atMs);
      // Thrown below; until then it must not end the process.
      written.catch(() => undefined);
      writing.push(written);
    }
    await Promise.all(writing);
    await waitUntil(this.startMs + this.#endAfterMs, signal);
    return { messages: this.messages, tookMs: performance.now() - this.startMs };
  }

  /** One message beside the schedule, judged with it. Resolves when the platform has it. */
  write(platform: LoadedPlatform, message: { conversation: string; k: number; user: string }): Promise<LoadMessage> {
    return this.#write(platform, message, 0);
  }

  /** Tells once more what the platforms have given up, until the signal. At once over where the platforms are left to themselves. */
  async repeat(signal: AbortSignal): Promise<void> {
    while (this.#repeats && !signal.aborted) {
      await sleep(repeatEveryMs);
      for (const { platform, conversation, messages } of this.#open()) {
        const due = messages.filter(({ id, attempts }) => id !== "" && attempts.length > 0);
        const tried = due.length > 0 ? await platform.tried(conversation) : new Set<string>();
        const givenUp = due.filter(({ acknowledged, id }) => !acknowledged && !tried.has(id));
        for (const { id } of givenUp) await platform.redeliver({ conversation, id, wait: false });
      }
    }
  }

  /** Waits until all is acknowledged or given up (where it repeats: all is acknowledged), or `withinMs` have passed. */
  async settle(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      const open = this.#open();
      if (open.length === 0) return;
      const tried = await Promise.all(open.map(({ platform, conversation }) => platform.tried(conversation)));
      if (!this.#repeats && tried.every(({ size }) => size === 0)) return;
      await sleep(lookMs);
    }
  }

  async #write(
    platform: LoadedPlatform,
    { conversation, k, user }: { conversation: string; k: number; user: string },
    lateMs: number,
  ): Promise<LoadMessage> {
    const text = textOf(conversation, k);
    const { channel } = platform;
    const message: LoadMessage = { channel, conversation, k, id: "", acknowledged: false, lateMs, attempts: [] };
    this.messages.push(message);
    this.#written.set(text, { message, platform });
    message.id = await platform.write({ conversation, user, text });
    return message;
  }

  /** What has no 2xx yet, by conversation. */
  #open(): { platform: LoadedPlatform; conversation: string; messages: LoadMessage[] }[] {
    const open = [...this.#written.values()].filter(({ message }) => !message.acknowledged);
    return [...Map.groupBy(open, ({ message }) => message.conversation)].flatMap(([conversation, own]) => {
      const [first] = own;
      return first ? [{ platform: first.platform, conversation, messages: own.map(({ message }) => message) }] : [];
    });
  }
}

export function isDelivered({ status }: Pick<LoadAttempt, "status">): boolean {
  return status >= 200 && status <= 299;
}

async function waitUntil(ms: number, signal: AbortSignal): Promise<void> {
  const waitMs = ms - performance.now();
  if (waitMs > 0) await sleep(waitMs, undefined, { signal });
}
