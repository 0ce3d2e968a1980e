// The test platform: as plain as a platform can be and still sign, repeat, refuse, limit and remember keys.
import type { InstalledApp, SimulatorHost, SimulatorKind } from "../../contract/simulator.ts";
import { createSimulator } from "../../simulator/kit.ts";
import { idOfName, randomText } from "../../simulator/names.ts";
import type { SimulatedPlatform, SimulatorKit } from "../../simulator/platform.ts";
import { rate, serveApi } from "./api.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { servePairs } from "./pairs.ts";
import { webhookOf } from "./webhook.ts";

const channelType = "test";
const dayMs = 24 * 60 * 60 * 1000;

export const testSimulator: SimulatorKind = {
  channelType,
  create: (host) => createSimulator(platform(), host),
};

function platform(): SimulatedPlatform {
  const keys = new IdempotencyKeys();
  return {
    channelType,
    retry: { timeoutMs: 3000, delaysMs: [1000, 2000, 5000, 10_000, 30_000], repeatForMs: dayMs },
    order: "conversation",
    echoesOwnPosts: false,
    rate,
    install,
    conversationOf: (_, name) => ({ id: name, kind: "channel" }),
    personOf: (_, name) => ({ id: name }),
    messageId: (conversation, world) => `m${world.rising(`message:${conversation.appId}`, 1)}`,
    eventId: (app, world) => `e${world.rising(`event:${app.id}`, 1)}`,
    place: ({ thread, replyTo }, conversation) => ({
      thread: thread || (conversation.messages.get(replyTo)?.thread ?? ""),
      replyTo,
    }),
    webhook: webhookOf,
    retryAfterMs: secondsAsked,
    control: servePairs,
    api: (request, kit) => serveFile(request, kit) ?? serveApi(request, kit, keys),
  };
}

function install(name: string, host: SimulatorHost): InstalledApp {
  const workspace = idOfName("W", name, 8);
  return {
    appId: workspace,
    account: {
      externalId: workspace,
      displayName: name,
      settings: { bot_id: workspace, api_base_url: host.baseUrl },
      secrets: [{ scheme: "hmac-sha256-timestamped", value: randomText(host.random, 32) }],
      credential: randomText(host.random, 32),
    },
  };
}

function secondsAsked(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** A posted file's bytes, for whoever knows its address. */
function serveFile(request: Request, kit: SimulatorKit): Promise<Response> | undefined {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== "/file") return undefined;
  const asked = (name: string) => searchParams.get(name) ?? "";
  const file = kit.world.conversation(asked("app"), asked("conversation"))?.messages.get(asked("message"))?.file;
  const response = file
    ? new Response(file.text, { headers: { "Content-Type": file.mime } })
    : new Response(null, { status: 404 });
  return Promise.resolve(response);
}
