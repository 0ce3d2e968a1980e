// Slack itself, as strict as it is, as far as an app can tell: events, Web API and files. It imports nothing of our own doors.
import type { SimulatorKind } from "../../contract/simulator.ts";
import { createSimulator } from "../../simulator/kit.ts";
import { randomText } from "../../simulator/names.ts";
import type { SimulatedPlatform, SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";
import { answerTimeoutMs, eventWebhook, urlVerification } from "./events.ts";
import { serveFile } from "./files.ts";
import { conversationOf, installedApp, nextEventId, nextTs, personOf } from "./ids.ts";
import { authorize, developerApp } from "./oauth.ts";
import { postRate, serveWebApi } from "./web-api.ts";

export const slackSimulator: SimulatorKind = {
  channelType: "slack",
  create: (host) => createSimulator(slackPlatform, host),
};

const slackPlatform: SimulatedPlatform = {
  channelType: "slack",
  // At once, after a minute, after five; then Slack gives up.
  retry: { timeoutMs: answerTimeoutMs, delaysMs: [0, 60_000, 300_000], repeatForMs: 0 },
  order: "parallel",
  echoesOwnPosts: true,
  rate: postRate,
  install: installedApp,
  develop: developerApp,
  developedSettings: (baseUrl) => ({ authorize_url: `${baseUrl}/oauth/v2/authorize`, api_base_url: `${baseUrl}/api` }),
  installed: verifyUrl,
  conversationOf,
  personOf,
  messageId: nextTs,
  eventId: nextEventId,
  // An answer to a message stands in the thread that it began, or in the one that the message is in.
  place: ({ thread, replyTo }, conversation) => {
    const answered = conversation.messages.get(replyTo);
    return { thread: thread || answered?.thread || replyTo, replyTo };
  },
  twins: (app, message) =>
    !message.bot && message.text.includes(`<@${app.account.settings.bot_user_id}>`) ? ["app_mention"] : [],
  webhook: eventWebhook,
  forbidsRetry: (response) => response.headers.get("x-slack-no-retry") === "1",
  async api(request, kit) {
    const { pathname } = new URL(request.url);
    const method = /^\/api\/([A-Za-z0-9.]{1,80})$/.exec(pathname)?.[1];
    if (method !== undefined) return serveWebApi(request, method, kit);
    if (pathname === "/oauth/v2/authorize") return authorize(request, kit);
    if (pathname.startsWith("/files-pri/")) return serveFile(request, kit);
    return new Response("not found", { status: 404 });
  },
};

/** The handshake. An app that is not up yet is installed all the same. */
async function verifyUrl(app: App, { host }: SimulatorKit): Promise<void> {
  if (app.webhookUrl === "") return;
  const { headers, body } = await urlVerification(app, randomText(host.random, 52), host.clock.nowMs());
  const abort = new AbortController();
  const timer = new AbortController();
  host.clock.sleep(answerTimeoutMs, timer.signal).then(
    () => abort.abort(),
    () => undefined,
  );
  try {
    const response = await host.fetch(app.webhookUrl, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: abort.signal,
    });
    await response.arrayBuffer();
  } catch {
    // Nobody is there.
  } finally {
    timer.abort();
  }
}
