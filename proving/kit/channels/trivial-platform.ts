// The least that a platform can be, to test the kit with: `POST /send {chat, text}`, and unsigned webhooks with a counter.

import type { SimulatorHost } from "@mio/shared/channels/contract.ts";
import { idOfName, randomText } from "@mio/shared/channels/simulator/names.ts";
import type { SimulatedPlatform } from "@mio/shared/channels/simulator/platform.ts";
import { textAt } from "@mio/shared/channels/simulator/state/state.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { type ManualClock, manualClock } from "../time/manual-clock.ts";

export const trivialPlatform: SimulatedPlatform = {
  channelType: "trivial",
  retry: { timeoutMs: 3_000, delaysMs: [1_000, 60_000], repeatForMs: 0 },
  order: "parallel",
  echoesOwnPosts: true,
  rate: { perSecond: 1, burst: 3 },
  install: (name, host) => ({
    appId: idOfName("A", name, 8),
    account: { externalId: name, displayName: name, settings: {}, secrets: [], credential: randomText(host.random, 20) },
  }),
  conversationOf: (_app, name) => ({ id: /^C[0-9A-Z]{8}$/.test(name) ? name : idOfName("C", name, 8), kind: "channel" }),
  personOf: (_app, name) => ({ id: idOfName("U", name, 8) }),
  messageId: (conversation, world) => String(world.rising(`message:${conversation.id}`, 1)),
  eventId: (_app, world) => `E${world.rising("event", 1)}`,
  webhook: async ({ event, message, attempt }) => ({
    headers: { "content-type": "application/json", "x-attempt": String(attempt) },
    body: JSON.stringify({ event: event.eventId, kind: event.kind, text: textAt(message, event.version), detail: event.detail }),
  }),
  forbidsRetry: (response) => response.headers.has("x-no-retry"),
  async api(request, kit) {
    const body = Object.fromEntries(new URLSearchParams(await request.text()));
    const [app] = kit.world.apps();
    if (!app) return new Response("no app", { status: 401 });
    const chat = body.chat ?? "general";
    const conversation = kit.people.conversation(app, chat);
    const call = { method: "send", conversation: conversation.id, signal: request.signal };
    const limited = (ms: number) => ({
      response: new Response(null, { status: 429, headers: { "retry-after": String(ms / 1000) } }),
      error: "slow",
    });
    const unavailable = () => ({ response: new Response(null, { status: 503 }) });
    return kit.calls.serve(call, { rateLimited: limited, unavailable }, () => {
      const waitMs = kit.calls.overLimitMs(conversation.id, app.rate ?? trivialPlatform.rate);
      if (waitMs > 0) return limited(waitMs);
      const { message } = kit.people.post(app, conversation, {
        author: app.id,
        authorName: app.name,
        bot: true,
        text: body.text ?? "",
      });
      return { response: Response.json({ id: message.id }) };
    });
  },
};

export interface TestHost {
  host: SimulatorHost;
  clock: ManualClock;
  /** The texts that were saved, in order. */
  saved: string[];
  /** What came to the app's webhook, and what it answers: a status, or "hang". */
  received: { at: number; headers: Record<string, string>; body: string }[];
  answers: (number | "hang" | "no-retry")[];
}

export function testHost(state?: string): TestHost {
  const clock = manualClock({ otherThreads: true });
  const saved: string[] = [];
  const received: TestHost["received"] = [];
  const answers: TestHost["answers"] = [];
  const host: SimulatorHost = {
    baseUrl: "http://simulator",
    clock,
    random: seededRandom(1),
    load: async () => state,
    save: async (text) => void saved.push(text),
    fetch: async (_url, init) => {
      received.push({ at: clock.monotonicMs(), headers: Object.fromEntries(new Headers(init.headers)), body: String(init.body) });
      const answer = answers.shift() ?? 200;
      if (answer === "no-retry") return new Response("", { status: 500, headers: { "x-no-retry": "1" } });
      if (answer !== "hang") return new Response("", { status: answer });
      return new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    },
  };
  return { host, clock, saved, received, answers };
}
