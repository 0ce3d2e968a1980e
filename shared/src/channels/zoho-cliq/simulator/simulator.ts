// Zoho Cliq as its bots know it: the REST API, its limits and refusals, and the bot's own relay script that posts webhooks.
import type { SimulatorKind } from "../../contract/simulator.ts";
import { createSimulator } from "../../simulator/kit.ts";
import type { SimulatedPlatform } from "../../simulator/platform.ts";
import { createApi } from "./api.ts";
import { chatOf, userIdOf } from "./ids.ts";
import { installedApp } from "./install.ts";
import { developerApp } from "./oauth.ts";
import { relayWebhook } from "./webhook.ts";

export const zohoCliqSimulator: SimulatorKind = {
  channelType: "zoho_cliq",
  create: (host) => createSimulator(createPlatform(), host),
};

function createPlatform(): SimulatedPlatform {
  return {
    channelType: "zoho_cliq",
    // Deluge cuts a call at about 40 s. No retry is documented and none was observed.
    retry: { timeoutMs: 40_000, delaysMs: [], repeatForMs: 0 },
    order: "parallel",
    // A participation handler fires on the bot's own posts too, and nothing marks them.
    echoesOwnPosts: true,
    rate: { perSecond: 50 / 60, burst: 50 },
    install: installedApp,
    develop: developerApp,
    developedSettings: (baseUrl) => ({ accounts_url: baseUrl, api_base_url: baseUrl }),
    async installed(app, kit) {
      // The simulator may have come back on another port.
      app.account.settings.api_base_url = kit.host.baseUrl;
      kit.world.putApp(app);
    },
    conversationOf: (app, name) => chatOf(app.account.externalId, name),
    personOf: (app, name) => ({ id: userIdOf(app.account.externalId, name) }),
    // Strictly rising within a chat, as Cliq's own order is: a load run may post twice in one millisecond.
    messageId: (chat, world, nowMs) => `${world.rising(`time ${chat.id}`, nowMs)}_${world.rising("message", 137_000_000_000)}`,
    eventId: (_app, world) => `event-${world.rising("event", 1)}`,
    // A thread is a chat of its own; inside a chat there are only quotes.
    place: ({ thread, replyTo }) => ({ thread: "", replyTo: replyTo || thread }),
    webhook: relayWebhook,
    api: createApi(),
  };
}
