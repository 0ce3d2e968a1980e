// The edge's routes. The list of doors says which platforms there are; each host implements the ports in its own way.

import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { unknownChannel } from "@mio/shared/bus/wire/telemetry.ts";
import type { InboundDoor, PlatformAnswer } from "@mio/shared/channels/contract/inbound.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import { Hono } from "hono";
import { type EdgeHealth, ready } from "./edge-health.ts";
import { type OAuthPorts, receiveOAuthCallback } from "./oauth/oauth.ts";
import type { Recorder } from "./telemetry/isolate-telemetry.ts";
import { RequestCounts } from "./telemetry/request-counts.ts";
import { readBodyWithin } from "./webhook/body.ts";
import { failureLine, webhookLine } from "./webhook/log-line.ts";
import { type IncomingWebhook, receiveWebhook, type WebhookPorts, type WebhookResult } from "./webhook/webhook.ts";

export interface EdgePorts extends WebhookPorts, OAuthPorts {
  doors: readonly InboundDoor[];
  /** The directory's state and that of all uplinks that may hold something. Never rejects. */
  health(): Promise<EdgeHealth>;
  /** Counts requests; left out, they are only counted for `/health`. */
  recorder?: Recorder;
  /** One structured line. */
  log(line: Readonly<Record<string, unknown>>): void;
}

export interface EdgeApp {
  fetch(request: Request): Response | Promise<Response>;
  /**
   * The same for a webhook by its usual path, for hosts whose requests are not the Web platform's: in Node, to make a Request and a
   * Response costs as much as all else that the edge does for a webhook. Undefined: `fetch` knows. Never rejects.
   */
  webhook(path: string, incoming: IncomingWebhook): Promise<PlatformAnswer> | undefined;
}

const failedStatus = 503;
const webhookPath = /^\/webhooks\/([a-z0-9-]+)(?:\/([a-z0-9-]+))?$/;

/** The routes of the edge over what a host gives it. Neither `fetch` nor `webhook` rejects. */
export function createApp(ports: EdgePorts): EdgeApp {
  const app = new Hono();
  const recorder = ports.recorder ?? new RequestCounts();
  const doors = doorsByPath(ports.doors);

  async function receive(path: string, accountId: string | undefined, incoming: IncomingWebhook): Promise<PlatformAnswer> {
    const door = doors.get(path);
    if (!door) {
      recorder.record(unknownChannel, "unknown_channel", 404, 0);
      ports.log({ level: "info", event: "webhook", outcome: "unknown_channel", http_status: 404 });
      return { status: 404, headers: {}, body: "no such channel\n" };
    }
    const startedMs = ports.clock.monotonicMs();
    let result: WebhookResult;
    try {
      result = await receiveWebhook(ports, door, accountId, incoming);
    } catch (error) {
      recorder.record(door.channel.slug, "failed", failedStatus, ports.clock.monotonicMs() - startedMs);
      throw error;
    }
    const durationMs = ports.clock.monotonicMs() - startedMs;
    recorder.record(door.channel.slug, result.outcome, result.answer.status, durationMs);
    ports.log(webhookLine(door.channel.slug, result, durationMs));
    return result.answer;
  }

  async function respond(path: string, accountId: string | undefined, request: Request): Promise<Response> {
    const { method, url, headers } = request;
    const answer = await receive(path, accountId, { method, url, headers, body: () => readBodyWithin(request, ports.clock) });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  }

  // Answered with 503 and Retry-After, so that the platform sends it again: nothing was promised.
  function failed(error: unknown): PlatformAnswer {
    ports.log(failureLine(error));
    return { status: failedStatus, headers: { "retry-after": "2" }, body: "come again\n" };
  }

  async function callBack(path: string, request: Request): Promise<Response> {
    const door = doors.get(path);
    const startedMs = ports.clock.monotonicMs();
    const { outcome, response, traceparent } = await receiveOAuthCallback(ports, door, request);
    const durationMs = ports.clock.monotonicMs() - startedMs;
    recorder.record(door?.channel.slug ?? unknownChannel, `oauth_${outcome}`, response.status, durationMs);
    ports.log({
      level: "info",
      event: "oauth_callback",
      channel_type: door?.channel.slug ?? "",
      outcome,
      http_status: response.status,
      trace_id: traceIdOf(traceparent),
      duration_ms: Math.round(durationMs * 10) / 10,
    });
    return response;
  }

  app.get("/health/live", (context) => context.text("live\n"));
  app.get("/health/ready", async (context) => {
    const isReady = ready(await ports.health());
    return context.text(isReady ? "ready\n" : "directory not loaded\n", isReady ? 200 : 503);
  });
  app.get("/health", async (context) => {
    const health = await ports.health();
    const { region } = ports;
    const directory = health.directory && snakeCase(health.directory);
    const shards = health.shards.map(({ name, status }) => ({ name, status: status && snakeCase(status) }));
    return context.json({ region, ready: ready(health), directory, shards, isolate: recorder.read() });
  });

  app.on(["GET", "POST"], "/webhooks/:channel", (context) => respond(context.req.param("channel"), undefined, context.req.raw));
  app.on(["GET", "POST"], "/webhooks/:channel/:account_id", (context) =>
    respond(context.req.param("channel"), context.req.param("account_id"), context.req.raw),
  );
  app.all("/oauth/:channel/callback", (context) => callBack(context.req.param("channel"), context.req.raw));
  for (const door of ports.doors)
    for (const path of door.channel.legacyPaths)
      app.on(["GET", "POST"], `/${path}`, (context) => respond(path, undefined, context.req.raw));

  app.notFound(() => {
    recorder.record(unknownChannel, "unknown_url", 404, 0);
    ports.log({ level: "info", event: "webhook", outcome: "unknown_url", http_status: 404 });
    return new Response("nothing is here\n", { status: 404 });
  });
  app.onError((error) => {
    const { body, status, headers } = failed(error);
    return new Response(body, { status, headers });
  });
  return {
    fetch: (request) => app.fetch(request),
    webhook: (path, incoming) => {
      const [, channel, accountId] = (incoming.method === "POST" && webhookPath.exec(path)) || [];
      return channel === undefined ? undefined : receive(channel, accountId, incoming).catch(failed);
    },
  };
}

/** Underscores of a slug are hyphens in a path; a legacy path is also an alias there. */
function doorsByPath(doors: readonly InboundDoor[]): Map<string, InboundDoor> {
  return new Map(
    doors.flatMap((door) =>
      [door.channel.slug.replaceAll("_", "-"), ...door.channel.legacyPaths].map((path): [string, InboundDoor] => [path, door]),
    ),
  );
}
