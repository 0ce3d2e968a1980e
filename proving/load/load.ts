// The load itself: plays a schedule on a platform, and knows of each message when it was due, written, told and acknowledged.
import { setTimeout as sleep } from "node:timers/promises";
import { type Sent, textOf } from "../judge/check.ts";
import type { LoadAttempt, LoadPlatform } from "./platform.ts";
import type { Turn } from "./schedule.ts";

export interface LoadMessage extends Sent {
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

export class Load {
  readonly messages: LoadMessage[] = [];
  /** Of `performance.now()`, once it plays. */
  startMs = 0;
  readonly #turns: readonly Turn[];
  readonly #seconds: number;
  readonly #byText = new Map<string, LoadMessage>();

  constructor(turns: readonly Turn[], seconds: number) {
    this.#turns = turns;
    this.#seconds = seconds;
  }

  /** For the platform's `attempted`. What is no message of this load is ignored, such as a handshake or an agent's answer that quotes one. */
  attempted(body: string, attempt: LoadAttempt): void {
    const message = this.#byText.get(/"(n:[a-z0-9-]+:\d+)"/.exec(body)?.[1] ?? "");
    if (!message) return;
    message.attempts.push(attempt);
    const delivered = attempt.status >= 200 && attempt.status <= 299;
    message.acknowledged ||= delivered;
    const before = message.times ?? { firstRequestMs: attempt.sentMs, acknowledgedMs: undefined };
    message.times = {
      firstRequestMs: Math.min(before.firstRequestMs, attempt.sentMs),
      acknowledgedMs: before.acknowledgedMs ?? (delivered ? attempt.answeredMs : undefined),
    };
  }

  /** Writes every message at its time. Resolves at the end of the last second; a signal ends it early. */
  async play(platform: Pick<LoadPlatform, "write">, signal: AbortSignal): Promise<PlayedLoad> {
    this.startMs = performance.now();
    const writing: Promise<void>[] = [];
    for (const turn of this.#turns) {
      const waitMs = this.startMs + turn.atMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      signal.throwIfAborted();
      writing.push(this.#write(platform, turn));
    }
    await Promise.all(writing);
    const restMs = this.startMs + this.#seconds * 1_000 - performance.now();
    if (restMs > 0) await sleep(restMs, undefined, { signal });
    return { messages: this.messages, tookMs: performance.now() - this.startMs };
  }

  /** Waits until the platform owes nothing more, or `withinMs` have passed. */
  async settle(platform: Pick<LoadPlatform, "owes">, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      const open = new Set(this.messages.filter((each) => !each.acknowledged).map((each) => each.conversation));
      const owed = await Promise.all([...open].map((conversation) => platform.owes(conversation)));
      if (!owed.includes(true)) return;
      await sleep(200);
    }
  }

  #write(platform: Pick<LoadPlatform, "write">, { conversation, k, user, atMs }: Turn): Promise<void> {
    const text = textOf(conversation, k);
    const lateMs = performance.now() - this.startMs - atMs;
    const message: LoadMessage = { conversation, k, acknowledged: false, lateMs, attempts: [] };
    this.messages.push(message);
    this.#byText.set(text, message);
    return platform.write({ conversation, user, text });
  }
}
