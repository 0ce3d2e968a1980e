// Joins the app to one Node process: every shard's uplink, one connection to the bus, one file. A region is one such process: two would be
// two uplinks of one conversation, and its order would be gone. (Regions are cheap: a second process is a second region.)

import { buckets } from "@mio/shared/bus/names/streams.ts";
import { bucketReader } from "@mio/shared/bus/read/bucket-reader.ts";
import { openerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import { doorsIn } from "@mio/shared/channels/doors/doors-in.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { createApp, type EdgePorts } from "../app.ts";
import { Directory } from "../directory/directory.ts";
import { DirectoryCopy } from "../directory/directory-copy.ts";
import { directoryStore } from "../directory/directory-store.ts";
import type { EdgeHealth } from "../edge-health.ts";
import { askCore } from "../oauth/ask-core.ts";
import { IsolateTelemetry } from "../telemetry/isolate-telemetry.ts";
import { nobodysLayout, uplinkName } from "../uplink/layout.ts";
import { uplinkLimits } from "../uplink/limits.ts";
import type { UplinkParts } from "../uplink/uplink.ts";
import type { Config } from "./config.ts";
import { serveHttp } from "./http/http.ts";
import { tcpLink } from "./nats-tcp.ts";
import { Database } from "./spool/database.ts";
import { Uplinks } from "./spool/uplinks.ts";

export type Log = (line: Readonly<Record<string, unknown>>) => void;

export interface NodeHost {
  readonly url: string;
  /** Takes nothing new, answers what is in hand, closes. What is in the spool stays for the next process. */
  stop(): Promise<void>;
}

/** Rejects with one line when the folder or the address cannot be had; the bus may be away. */
export async function startNodeHost(
  config: Config,
  doors: readonly InboundDoor[],
  log: Log,
  uplinkParts: UplinkParts = {},
): Promise<NodeHost> {
  const clock = clockOf(globalThis);
  const random = randomOf(crypto);
  const { region, natsUrls: servers, natsUser: user, natsPassword: password } = config;
  const database = new Database(config.dataDir);
  const link = tcpLink({ servers, user, password, name: `mio-edge ${region}`, clock, random });
  const { limits = { ...uplinkLimits, spoolBytesMax: config.spoolBytesMax }, ...parts } = uplinkParts;
  const uplinks = new Uplinks({ link, database, clock, random }, log, { ...parts, limits });
  const bucket = bucketReader(() => link.bus, buckets.directory.name);
  const opener = openerOf(config.directoryKeys);
  const close: EdgePorts["close"] = async (shard, closing) => uplinks.closeLayout(shard, closing);
  const copy = new DirectoryCopy(directoryStore(database), bucket, opener, clock, { edge: region, close });

  const health = async (): Promise<EdgeHealth> => {
    await copy.refresh();
    const shards = [...copy.shards(), nobodys];
    return { directory: copy.status(), shards: uplinks.status(shards.map(uplinkName)) };
  };
  const nobodys = { ...nobodysLayout(region), shard: 0 };
  const telemetry = new IsolateTelemetry({
    clock,
    telemetryEveryMs: limits.telemetryEveryMs,
    report: async (counted) => uplinks.report(nobodys, counted),
    afterwards: () => {},
  });
  const app = createApp({
    doors: doorsIn(config.environment, doors),
    directory: new Directory(copy, opener, clock, region),
    store: (placement, events) => telemetry.carriedBy((counted) => uplinks.store(placement, events, counted)),
    close,
    askCore: (subject, body, timeoutMs) => askCore(link.bus, subject, body, timeoutMs),
    clock,
    random,
    region,
    health,
    recorder: telemetry,
    log,
  });
  const closeAll = async () => {
    uplinks.close();
    await link.close();
    database.close();
  };
  try {
    await link.triedSoon();
    await copy.refresh();
    uplinks.wakeAll();
    const http = await serveHttp(app.fetch, { host: config.httpHost, port: config.httpPort, webhook: app.webhook });
    return {
      url: http.url,
      stop: async () => {
        await http.close();
        await telemetry.reportNow();
        await uplinks.reportAll();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
