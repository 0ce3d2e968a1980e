// The platform that the load plays: its simulator, in this process, so that it signs and retries by itself and each attempt is measured
// where it happens.

import { serveFetch } from "@mio/local/servers/serve-fetch.ts";
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { type Clock, clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import * as v from "valibot";
import { pairNames } from "./pairs.ts";
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
  /** Its type. */
  channel: string;
  /** Whether each message goes into two conversations (pairs.ts). */
  pairs: boolean;
  /** Webhooks that wait for their answer at the moment. */
  readonly waiting: number;
  /** The simulator's own address: its API, for the sender, and its control API. */
  url: string;
  /** A person writes; resolves with the message's id when the platform has it, not when the webhook is answered. Rejects when it refuses. */
  write(message: { conversation: string; user: string; text: string }): Promise<string>;
  /** Ids of that conversation's messages whose webhook the platform still tries, or is going to try. */
  tried(conversation: string): Promise<ReadonlySet<string>>;
  /** The webhook of a message once more, as of a platform that got no 2xx; with `wait`, until it is answered. */
  redeliver(message: { conversation: string; id: string; wait: boolean }): Promise<void>;
  /** What people see of a conversation now, in order. Empty when nobody was there yet. */
  visible(conversation: string): Promise<{ bot: boolean; text: string }[]>;
  /** A call of the control API (shared/src/channels/simulator/README.md). Throws when it is refused. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** From now on webhooks' bodies go in pieces of this size and without a content-length; 0: whole again. */
  inPieces(bytes: number): void;
}

export interface LoadPlatformOptions {
  channelType: string;
  seed: number;
  pairs?: boolean;
  /** What it signs by; the machine's own when left out. */
  clock?: Clock;
  /** Told of the body of each attempt, and of how it ended. */
  attempted(body: string, attempt: LoadAttempt): void;
}

/** Platforms wait up to minutes between attempts, a run has little time. */
export const retryWaitMsMax = 10_000;

const posted = v.object({ id: v.string() });
const postedPair = v.object({ ids: v.tuple([v.string(), v.string()]) });
const deliveries = v.array(v.object({ message_id: v.string(), done: v.boolean() }));
const seen = v.object({ messages: v.array(v.object({ bot: v.boolean(), text: v.string() })) });

/** Throws one line when there is no such channel. */
export async function startLoadPlatform(options: LoadPlatformOptions): Promise<LoadPlatform> {
  const kind = simulatorKinds.find((each) => each.channelType === options.channelType);
  if (!kind) throw new Error(`there is no channel ${options.channelType}`);
  let handle: (request: Request) => Promise<Response> = async () => Response.json({ error: "starting" }, { status: 503 });
  const poster = webhookPoster();
  const server = await serveFetch(0, (request) => handle(request));

  let waiting = 0;

  async function post(url: string, init: RequestInit): Promise<Response> {
    waiting += 1;
    const body = typeof init.body === "string" ? init.body : "";
    const sentMs = performance.now();
    try {
      const response = await poster.post(url, init);
      options.attempted(body, { sentMs, answeredMs: performance.now(), status: response.status });
      return response;
    } catch (error) {
      options.attempted(body, { sentMs, answeredMs: performance.now(), status: 0 });
      throw error;
    } finally {
      waiting -= 1;
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

  async function ask(method: string, path: string, body?: unknown): Promise<Response> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    return simulator.fetch(new Request(`${server.url}/_control/${path}`, init));
  }

  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await ask(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`the simulated platform refuses ${path}: ${response.status} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  const pairs = options.pairs === true;
  /** The platform's webhook of a pair stands in the line of its first conversation. */
  const lineOf = (conversation: string) => (pairs ? pairNames(conversation)[0] : conversation);
  return {
    channel: options.channelType,
    pairs,
    get waiting() {
      return waiting;
    },
    url: server.url,
    async write({ conversation, user, text }) {
      if (!pairs) return v.parse(posted, await control("POST", "messages", { conversation, user, text })).id;
      return v.parse(postedPair, await control("POST", "pairs", { conversations: pairNames(conversation), user, text })).ids[0];
    },
    async tried(conversation) {
      const answer = await control("GET", `deliveries?conversation=${encodeURIComponent(lineOf(conversation))}`);
      return new Set(v.parse(deliveries, answer).flatMap(({ message_id, done }) => (done ? [] : [message_id])));
    },
    async redeliver({ conversation, id, wait }) {
      await control("POST", "redeliver", { conversation: lineOf(conversation), id, wait });
    },
    async visible(conversation) {
      const response = await ask("GET", `conversations/${encodeURIComponent(conversation)}`);
      return response.status === 404 ? [] : v.parse(seen, await response.json()).messages;
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
