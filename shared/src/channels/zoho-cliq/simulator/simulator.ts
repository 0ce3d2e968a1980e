// Zoho Cliq as its bots know it: the REST API, its limits and refusals, and the bot's own relay script that posts webhooks.
import type { InstalledApp, SimulatorHost, SimulatorKind } from "../../contract.ts";
import { createSimulator } from "../../simulator/kit.ts";
import { numberOfName, randomText } from "../../simulator/names.ts";
import type { SimulatedPlatform } from "../../simulator/platform.ts";
import { createApi } from "./api.ts";
import { chatOf, organizationIdOf, userIdOf } from "./ids.ts";
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
    install,
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

function install(name: string, host: SimulatorHost): InstalledApp {
  const organizationId = organizationIdOf(name);
  const botName = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "") || "bot";
  return {
    appId: `1000.${randomText(host.random, 24)}`,
    account: {
      externalId: organizationId,
      displayName: name,
      settings: {
        api_base_url: host.baseUrl,
        bot_unique_name: botName,
        bot_id: `b-${1_000_000_000 + numberOfName(`bot ${organizationId}`, 999_999_999)}`,
        self_ids: userIdOf(organizationId, `owner of ${name}`),
      },
      secrets: [{ scheme: "cliq-relay-hmac-sha256", value: randomText(host.random, 40) }],
      credential: `1000.${randomText(host.random, 32)}.${randomText(host.random, 32)}`,
    },
  };
}
