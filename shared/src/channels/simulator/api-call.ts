// One API call of an app: logged as it arrives, refused or spoilt when a fault says so, else carried out by the platform.
import type { SimulatorHost } from "../contract/simulator.ts";
import type { Faults } from "./faults.ts";
import { type RateLimit, RateLimiter } from "./rate-limiter.ts";
import type { RequestLog } from "./request-log.ts";

/** How long a lost answer keeps its caller hanging, when the caller does not give up before. */
const lostAnswerHangsMs = 120_000;

export interface ApiCall {
  /** The platform's name for what is asked, such as `chat.postMessage`. */
  method: string;
  /** The platform's id of the conversation; empty when the call names none. */
  conversation: string;
  /** The caller's own: a lost answer hangs until it is aborted. */
  signal: AbortSignal;
}

export interface ApiAnswer {
  response: Response;
  /** The platform's word for why it refused; it goes into the log. */
  error?: string;
}

export interface Refusals {
  /** 429 as the platform says it. */
  rateLimited(retryAfterMs: number): ApiAnswer;
  /** 503 as the platform says it. */
  unavailable(): ApiAnswer;
}

export class ApiCalls {
  readonly #host: SimulatorHost;
  readonly #faults: Faults;
  readonly #log: RequestLog;
  readonly #limiter: RateLimiter;
  readonly #stop = new AbortController();

  constructor(host: SimulatorHost, faults: Faults, log: RequestLog) {
    this.#host = host;
    this.#faults = faults;
    this.#log = log;
    this.#limiter = new RateLimiter(host.clock);
  }

  /** Serves one call. `carryOut` runs at most once, and not at all when a fault refuses the call. */
  async serve(call: ApiCall, refusals: Refusals, carryOut: () => ApiAnswer | Promise<ApiAnswer>): Promise<Response> {
    const { clock } = this.#host;
    const entry = this.#log.arrived(clock.nowMs(), call.method, call.conversation);
    const injected = this.#faults.takeForCall(call.method);
    const answer = await this.#answer(injected.refusal, refusals, carryOut);
    const signal = AbortSignal.any([call.signal, this.#stop.signal]);
    if (answer.error !== undefined) entry.error = answer.error;
    if (injected.lateMs > 0) await clock.sleep(injected.lateMs, signal).catch(() => undefined);
    if (injected.lost) {
      await clock.sleep(lostAnswerHangsMs, signal).catch(() => undefined);
      return new Response(null, { status: 504 });
    }
    entry.status = answer.response.status;
    return answer.response;
  }

  /** 0 when the call is within the limit (and counted), else the milliseconds until one would be. */
  overLimitMs(key: string, limit: RateLimit): number {
    return this.#limiter.take(key, limit);
  }

  /** Ends what hangs. */
  close(): void {
    this.#stop.abort();
  }

  async #answer(
    refusal: { kind: "rate_limited"; retryAfterMs: number } | { kind: "unavailable" } | undefined,
    refusals: Refusals,
    carryOut: () => ApiAnswer | Promise<ApiAnswer>,
  ): Promise<ApiAnswer> {
    switch (refusal?.kind) {
      case "rate_limited":
        return refusals.rateLimited(refusal.retryAfterMs);
      case "unavailable":
        return refusals.unavailable();
      case undefined:
        return carryOut();
    }
  }
}
