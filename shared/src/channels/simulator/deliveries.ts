// The webhooks that a simulated platform owes: tried on the platform's schedule until one is answered or the schedule ends.
// What is not done survives a restart; the log of what is done is bounded and kept in memory only.
import type { SimulatorHost } from "../contract/simulator.ts";
import type { Faults } from "./faults.ts";
import type { PlatformRules } from "./platform-rules.ts";
import type { Attempt, Delivery } from "./state/state.ts";
import type { World } from "./state/world.ts";
import { type AttemptResult, attemptWebhook } from "./webhook-attempt.ts";

/** Done deliveries that one conversation's log remembers. Beyond a quarter more, the oldest are forgotten. */
const deliveriesLoggedMax = 2_000;
/** Deliveries that one conversation may owe. Nobody can post beyond it. */
const deliveriesOwedMax = 10_000;
/** Attempts of one delivery that its log remembers, the latest ones. */
const attemptsLoggedMax = 100;

interface Lane {
  log: Delivery[];
  /** The length at which the log is trimmed next, so that a trim costs little per message also while nothing is done. */
  trimAt: number;
  owed: number;
  /** The end of the line, on platforms where the webhooks of a conversation wait for each other. */
  tail: Promise<void>;
}

export class Deliveries {
  readonly #platform: PlatformRules;
  readonly #host: SimulatorHost;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #changed: () => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #owed = new Set<Delivery>();
  readonly #firstAttempts = new WeakMap<Delivery, { promise: Promise<Attempt>; resolve: (attempt: Attempt) => void }>();
  /** One for each delivery that is under way: a signal with thousands of listeners costs each of them a walk along all others. */
  readonly #stops = new Set<AbortController>();
  #closed = false;
  readonly #running = new Set<Promise<void>>();

  constructor(platform: PlatformRules, host: SimulatorHost, world: World, faults: Faults, changed: () => void) {
    this.#platform = platform;
    this.#host = host;
    this.#world = world;
    this.#faults = faults;
    this.#changed = changed;
  }

  /** Whether the conversation may owe one more. */
  hasRoom(appId: string, conversation: string): boolean {
    return (this.#lanes.get(laneKey(appId, conversation))?.owed ?? 0) < deliveriesOwedMax;
  }

  queue(delivery: Delivery): void {
    const lane = this.#lane(delivery);
    lane.owed += 1;
    lane.log.push(delivery);
    if (lane.log.length > lane.trimAt) trim(lane);
    this.#owed.add(delivery);
    this.#firstAttempts.set(delivery, Promise.withResolvers<Attempt>());
    this.#changed();
    const waitFor = this.#platform.order === "conversation" ? lane.tail : undefined;
    const stop = new AbortController();
    this.#stops.add(stop);
    if (this.#closed) stop.abort("closed");
    const run = this.#carryOut(delivery, lane, waitFor, stop.signal);
    lane.tail = run;
    this.#running.add(run);
    run.finally(() => {
      this.#running.delete(run);
      this.#stops.delete(stop);
    });
  }

  /** Resolves when the first attempt since it was queued has ended; with status 0 when the simulator is closed before. */
  async firstAttempt(delivery: Delivery): Promise<Attempt> {
    const waiting = this.#firstAttempts.get(delivery);
    if (!waiting) throw new Error(`delivery ${delivery.eventId} was never queued`);
    return waiting.promise;
  }

  /** The log, by app and conversation as asked, each conversation's in the order in which things happened. */
  list(filter: { appId?: string | undefined; conversation?: string | undefined }): Delivery[] {
    if (filter.appId !== undefined && filter.conversation !== undefined) {
      return [...(this.#lanes.get(laneKey(filter.appId, filter.conversation))?.log ?? [])];
    }
    const all = [...this.#lanes.values()].flatMap((lane) => lane.log);
    return all.filter(
      (each) =>
        (filter.appId === undefined || each.appId === filter.appId) &&
        (filter.conversation === undefined || each.conversation === filter.conversation),
    );
  }

  owed(): Delivery[] {
    return [...this.#owed];
  }

  /** Stops all attempts; what is not done is owed still. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop.abort("closed");
    await Promise.all(this.#running);
    const none = { atMs: this.#host.clock.nowMs(), status: 0, durationMs: 0 };
    for (const delivery of this.#owed) this.#firstAttempts.get(delivery)?.resolve(none);
  }

  async #carryOut(delivery: Delivery, lane: Lane, waitFor: Promise<void> | undefined, stop: AbortSignal): Promise<void> {
    await waitFor;
    while (!delivery.done && !stop.aborted) {
      const waitMs = delivery.nextAttemptAtMs - this.#host.clock.nowMs();
      if (waitMs > 0) await this.#host.clock.sleep(waitMs, stop).catch(() => undefined);
      if (stop.aborted) return;
      const result = await this.#attempt(delivery, stop);
      if (!result) return;
      this.#settle(delivery, result);
    }
    if (!delivery.done) return;
    this.#owed.delete(delivery);
    lane.owed -= 1;
    this.#changed();
  }

  /** Undefined when the simulator is being closed: then the attempt has not happened as far as the platform knows. */
  async #attempt(delivery: Delivery, stop: AbortSignal): Promise<AttemptResult | undefined> {
    const app = this.#world.app(delivery.appId);
    const conversation = this.#world.conversation(delivery.appId, delivery.conversation);
    const message = conversation?.messages.get(delivery.messageId);
    const gone: AttemptResult = { attempt: { atMs: this.#host.clock.nowMs(), status: 0, durationMs: 0 }, end: "delivered" };
    if (!app || app.webhookUrl === "" || !conversation || !message) return gone;
    const { host, world } = { host: this.#host, world: this.#world };
    const attempt = delivery.attemptCount;
    const lastStatus = delivery.attempts.at(-1)?.status;
    const nowMs = host.clock.nowMs();
    const injected = this.#faults.takeForWebhook();
    const context = { event: delivery, app, conversation, message, attempt, lastStatus, nowMs, world, baseUrl: host.baseUrl };
    const webhook = await this.#platform.webhook(context);
    if (!webhook) return gone;
    const once = () =>
      attemptWebhook({
        host,
        platform: this.#platform,
        url: app.webhookUrl,
        webhook,
        lateMs: injected.lateMs,
        stop,
      });
    const [first, second] = await Promise.all(injected.twice ? [once(), once()] : [once()]);
    if (first) this.#log(delivery, first.attempt);
    if (second) this.#log(delivery, second.attempt);
    return first;
  }

  #log(delivery: Delivery, attempt: Attempt): void {
    delivery.attempts.push(attempt);
    if (delivery.attempts.length > attemptsLoggedMax) delivery.attempts.shift();
  }

  #settle(delivery: Delivery, result: AttemptResult): void {
    const { delaysMs, repeatForMs } = this.#platform.retry;
    const nowMs = this.#host.clock.nowMs();
    const delayMs = delaysMs[delivery.attemptCount] ?? (nowMs - delivery.atMs < repeatForMs ? delaysMs.at(-1) : undefined);
    delivery.attemptCount += 1;
    if (result.end === "retry" && delayMs !== undefined) delivery.nextAttemptAtMs = nowMs + this.#waitMs(result, delayMs);
    else delivery.done = true;
    this.#firstAttempts.get(delivery)?.resolve(result.attempt);
    this.#changed();
  }

  #waitMs({ retryAfterMs }: AttemptResult, delayMs: number): number {
    return retryAfterMs ?? Math.min(delayMs, this.#host.retryWaitMsMax ?? Number.POSITIVE_INFINITY);
  }

  #lane(delivery: Delivery): Lane {
    const key = laneKey(delivery.appId, delivery.conversation);
    const found = this.#lanes.get(key);
    if (found) return found;
    const lane: Lane = { log: [], trimAt: deliveriesLoggedMax * 1.25, owed: 0, tail: Promise.resolve() };
    this.#lanes.set(key, lane);
    return lane;
  }
}

function laneKey(appId: string, conversation: string): string {
  return `${appId}\n${conversation}`;
}

/** Drops the oldest done ones, in place, down to the limit; what is owed stays. */
function trim(lane: Lane): void {
  let excess = lane.log.length - deliveriesLoggedMax;
  lane.log = lane.log.filter((delivery) => !delivery.done || excess-- <= 0);
  lane.trimAt = lane.log.length + deliveriesLoggedMax / 4;
}
