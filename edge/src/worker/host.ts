// Joins the app to Cloudflare: objects by name, configuration from bindings, logs as lines. One app an isolate.
/// <reference path="./cloudflare-workers.d.ts" />
import { waitUntil } from "cloudflare:workers";
import { openerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import { doorsIn } from "@mio/shared/channels/doors/doors-in.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { createApp } from "../app.ts";
import { Directory } from "../directory/directory.ts";
import type { EdgeHealth, ShardStatus } from "../edge-health.ts";
import { IsolateTelemetry } from "../telemetry/isolate-telemetry.ts";
import { nobodysLayout, uplinkName } from "../uplink/layout.ts";
import { type UplinkLimits, uplinkLimits } from "../uplink/limits.ts";
import type { Stored } from "../uplink/uplink.ts";
import type { Env } from "./bindings.ts";
import { readConfiguration, readDirectoryKeys } from "./env.ts";

/** A deployment without its configuration is mended by the next deployment, so an early retry would fail as well. */
const misconfiguredRetrySeconds = 30;

/** `fetch` of a Worker that has these doors. Without its configuration it refuses everything, and says why in one line of the log. */
export function workerFetch(
  doors: readonly InboundDoor[],
  limits: UplinkLimits = uplinkLimits,
): (request: Request, env: Env) => Response | Promise<Response> {
  let app: ReturnType<typeof createApp> | undefined;
  return (request, env) => {
    try {
      app ??= appOf(doors, limits, env);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.log(JSON.stringify({ level: "error", event: "misconfigured", reason }));
      const headers = { "retry-after": String(misconfiguredRetrySeconds) };
      return new Response("not configured\n", { status: 503, headers });
    }
    return app.fetch(request);
  };
}

function appOf(doors: readonly InboundDoor[], limits: UplinkLimits, env: Env): ReturnType<typeof createApp> {
  const { MIO_ENV: environment, EDGE_REGION: region } = readConfiguration(env);
  const clock = clockOf(globalThis);
  // Stubs are not kept: a stub whose object was replaced stays broken.
  const directoryObject = () => env.DIRECTORY.getByName(region);
  const nobodys = { ...nobodysLayout(region), shard: 0 };
  const telemetry = new IsolateTelemetry({
    clock,
    telemetryEveryMs: limits.telemetryEveryMs,
    report: (counted) => env.UPLINK.getByName(uplinkName(nobodys)).report(nobodys, counted),
    afterwards: waitUntil,
  });
  return createApp({
    doors: doorsIn(environment, doors),
    directory: new Directory(
      { lookup: (keys) => directoryObject().lookup(keys) },
      openerOf(readDirectoryKeys(env)),
      clock,
      region,
    ),
    store: (placement, events) =>
      telemetry.carriedBy<Stored>((counted) => env.UPLINK.getByName(uplinkName(placement)).store(placement, events, counted)),
    close: (shard, closing) => env.UPLINK.getByName(uplinkName(shard)).closeLayout(shard, closing),
    askCore: (subject, body, timeoutMs) => directoryObject().askCore(subject, body, timeoutMs),
    clock,
    random: randomOf(crypto),
    region,
    health: () => healthOf(env, directoryObject()),
    recorder: telemetry,
    log: (line) => console.log(JSON.stringify(line)),
  });
}

async function healthOf(env: Env, directoryObject: ReturnType<Env["DIRECTORY"]["getByName"]>): Promise<EdgeHealth> {
  try {
    const { directory, shards } = await directoryObject.status();
    const names = new Set([...shards, { ...nobodysLayout(env.EDGE_REGION), shard: 0 }].map(uplinkName));
    const statuses = Array.from(names, async (name): Promise<ShardStatus> => {
      try {
        return { name, status: await env.UPLINK.getByName(name).status() };
      } catch {
        return { name, status: undefined };
      }
    });
    return { directory, shards: await Promise.all(statuses) };
  } catch {
    return { directory: undefined, shards: [] };
  }
}
