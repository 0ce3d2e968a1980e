// The platform that the load plays: its simulator, in this process, so that it signs and retries by itself and each attempt is measured
// where it happens.

import { serveFetch } from "@mio/local/servers/serve-fetch.ts";
import { simulatorKinds } from "@mio/shared/channels/simulators.ts";
import { type Clock, clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import * as v from "valibot";
import { webhookPoster } from "./post-webhook.ts";

/** One attempt at one webhook. */
export interface LoadAttempt {
  /** Of `performance.now()`. */
  sentMs: number;
  answeredMs: number;
  /** 0: no answer. */
  status: number;
}

export interface LoadPlatform extends AsyncDisposable {
  /** The simulator's own address: its API, for the sender, and its control API. */
  url: string;
  /** A person writes; resolves when the platform has it, not when the webhook is answered. Rejects when the platform refuses. */
  write(message: { conversation: string; user: string; text: string }): Promise<void>;
  /** Whether the platform still tries, or is going to try, a webhook of that conversation. */
  owes(conversation: string): Promise<boolean>;
  /** A call of the control API (shared/src/channels/simulator/README.md). Throws when it is refused. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** From now on webhooks' bodies go in pieces of this size and without a content-length; 0: whole again. */
  inPieces(bytes: number): void;
}

export interface LoadPlatformOptions {
  channelType: string;
  seed: number;
  /** What it signs by; the machine's own when left out. */
  clock?: Clock;
  /** Told of the body of each attempt, and of how it ended. */
  attempted(body: string, attempt: LoadAttempt): void;
}

/** Platforms wait up to minutes between attempts, a run has little time. */
export const retryWaitMsMax = 10_000;

const deliveries = v.array(v.object({ done: v.boolean() }));

/** Throws one line when there is no such channel. */
export async function startLoadPlatform(options: LoadPlatformOptions): Promise<LoadPlatform> {
  const kind = simulatorKinds.find((each) => each.channelType === options.channelType);
  if (!kind) throw new Error(`there is no channel ${options.channelType}`);
  let handle: (request: Request) => Promise<Response> = async () => Response.json({ error: "starting" }, { status: 503 });
  const poster = webhookPoster();
  const server = await serveFetch(0, (request) => handle(request));

  async function post(url: string, init: RequestInit): Promise<Response> {
    const body = typeof init.body === "string" ? init.body : "";
    const sentMs = performance.now();
    try {
      const response = await poster.post(url, init);
      options.attempted(body, { sentMs, answeredMs: performance.now(), status: response.status });
      return response;
    } catch (error) {
      options.attempted(body, { sentMs, answeredMs: performance.now(), status: 0 });
      throw error;
    }
  }

  const simulator = await kind.create({
    baseUrl: server.url,
    clock: options.clock ?? clockOf(globalThis),
    random: seededRandom(options.seed),
    fetch: post,
    load: async () => undefined,
    retryWaitMsMax,
  });
  handle = (request) => simulator.fetch(request);

  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await simulator.fetch(new Request(`${server.url}/_control/${path}`, init));
    const text = await response.text();
    if (!response.ok) throw new Error(`the simulated platform refuses ${path}: ${response.status} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  return {
    url: server.url,
    async write(message) {
      await control("POST", "messages", message);
    },
    async owes(conversation) {
      const told = await control("GET", `deliveries?conversation=${encodeURIComponent(conversation)}`);
      return v.parse(deliveries, told).some(({ done }) => !done);
    },
    control,
    inPieces: poster.inPieces,
    async [Symbol.asyncDispose]() {
      await simulator.close();
      await server[Symbol.asyncDispose]();
      await poster[Symbol.asyncDispose]();
    },
  };
}
