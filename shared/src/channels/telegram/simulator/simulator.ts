// Telegram itself, as far as a bot can tell: the Bot API, and updates by webhook, each chat's in order, repeated for a day.
// It shares nothing with this channel's doors.
import type { InstalledApp, SimulatorHost, SimulatorKind } from "../../contract/simulator.ts";
import { createSimulator } from "../../simulator/kit.ts";
import { randomText } from "../../simulator/names.ts";
import type { SimulatedPlatform } from "../../simulator/platform.ts";
import type { RetrySchedule } from "../../simulator/platform-rules.ts";
import { serveApi } from "./api.ts";
import { serveButtons } from "./buttons.ts";
import { botIdOfName, chatOfName, userIdOfName } from "./ids.ts";
import { perChat } from "./methods.ts";
import { webhookOf } from "./webhook.ts";

const channelType = "telegram";
const dayMs = 24 * 60 * 60 * 1000;

export const telegramSimulator: SimulatorKind = {
  channelType,
  create: (host) => createSimulator(platformOf(host), host),
};

function platformOf(host: SimulatorHost): SimulatedPlatform {
  return {
    channelType,
    retry: retryOf(host),
    order: "conversation",
    echoesOwnPosts: false,
    rate: perChat,
    install,
    conversationOf: (_, name) => chatOfName(name),
    personOf: (_, name) => ({ id: userIdOfName(name) }),
    messageId: (conversation, world) => String(world.rising(`message:${conversation.appId}:${conversation.id}`, 1)),
    eventId: (app, world) => String(world.rising(`update:${app.id}`, 10_000_001)),
    place: ({ thread, replyTo }, conversation) => ({
      thread: thread || (conversation.messages.get(replyTo)?.thread ?? ""),
      replyTo,
    }),
    webhook: async (context) => webhookOf(context),
    retryAfterMs: waitAsked,
    control: serveButtons,
    api: serveApi,
  };
}

/**
 * 1 s doubling to a random cap of 60-120 s, for the 24 hours that an update lives; 60 s without an answer is a failure
 * (WebhookActor.cpp of the official server).
 */
function retryOf(host: SimulatorHost): RetrySchedule {
  const cap = 60_000 + Math.floor(host.random.next() * 60_000);
  return { timeoutMs: 60_000, delaysMs: [1000, 2000, 4000, 8000, 16_000, 32_000, cap], repeatForMs: dayMs };
}

/** Retry-After on a failure is honoured, between 0 s and an hour. */
function waitAsked(response: Response): number | undefined {
  const header = response.headers.get("Retry-After") ?? "";
  return /^\d{1,9}$/.test(header) ? Math.min(Number(header), 3600) * 1000 : undefined;
}

function install(name: string, host: SimulatorHost): InstalledApp {
  const botId = botIdOfName(name);
  return {
    appId: botId,
    account: {
      externalId: botId,
      displayName: name,
      settings: { bot_id: botId, bot_username: `${name.replaceAll(/\W/g, "_")}_bot`, api_base_url: host.baseUrl },
      secrets: [{ scheme: "telegram-secret-token", value: randomText(host.random, 32) }],
      credential: `${botId}:${randomText(host.random, 35)}`,
    },
  };
}
