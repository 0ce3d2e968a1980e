// The sample channel as a platform of the simulator kit, the least that one can be: `POST /send {chat, text}`, and unsigned webhooks with a
// counter. The platform beside it is another: it answers a sender over real HTTP as badly as a test wants, and has no people.

import { idOfName, randomText } from "@mio/shared/channels/simulator/names.ts";
import type { SimulatedPlatform } from "@mio/shared/channels/simulator/platform.ts";
import { textAt } from "@mio/shared/channels/simulator/state/state.ts";
import { sampleChannel } from "./inbound.ts";

export const samplePlatform: SimulatedPlatform = {
  channelType: sampleChannel,
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
      const waitMs = kit.calls.overLimitMs(conversation.id, app.rate ?? samplePlatform.rate);
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
