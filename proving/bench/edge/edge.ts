// What the edge answers on both its hosts: signed webhooks in, 200 out, each acknowledged by the bus before its answer. Beside it in the same
// run: the bus alone, a server that does nothing, the edge without grouping, and the edge without a publish.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishAcked } from "@mio/shared/bus/client/jetstream-api.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { headers, type NatsConnection } from "../../kit/bus/client.ts";
import { connectTo } from "../../kit/bus/connection.ts";
import { testNats } from "../../kit/bus/nats.ts";
import { measure, printTable } from "../measure.ts";
import { bareSubject, prepareBus, shardCount, webhookPath } from "./directory.ts";
import { type Host, type HostName, hostNames, startBareServer, startHost } from "./hosts.ts";
import { LoadGenerator } from "./load/generator.ts";
import type { LoadFigures } from "./load/run.ts";
import { conversations, webhookBytes } from "./load/webhooks.ts";
import { cpuMsOf } from "./process-cpu.ts";
import { type Variant, variants } from "./variants.ts";

export interface EdgeBenchOptions {
  seconds: number;
  hosts: readonly HostName[];
  variants: readonly Variant[];
  connections: readonly number[];
  rates: readonly number[];
}

export const edgeBenchDefaults: Omit<EdgeBenchOptions, "seconds"> = {
  hosts: hostNames,
  variants,
  connections: [1, 32, 128, 256],
  rates: [500, 2_000],
};

/** One line of the table. What does not apply, or could not be read, is left out. */
export interface EdgeLine extends LoadFigures {
  /** How it was asked: by so many connections, or at a rate over so many. */
  connections: number;
  rate?: number | undefined;
  subject: string;
  ofBus?: number | undefined;
  ofUngrouped?: number | undefined;
  eventsPerGroup?: number | undefined;
  busBytesPerMessage?: number | undefined;
  edgeCpuMsPerMessage?: number | undefined;
  busCpuMsPerMessage?: number | undefined;
  loadCpuMsPerMessage?: number | undefined;
}

const warmUpSeconds = 1;
/** Once for each host, before all: JavaScript is at its speed only after some ten thousand requests. */
const compileSeconds = 4;
/** Enough that none is waited for while the edge keeps up. */
const connectionsAtRate = 256;

export async function benchEdge(options: EdgeBenchOptions): Promise<EdgeLine[]> {
  await using server = await testNats();
  await using load = new LoadGenerator();
  const nats = await connectTo(server.url);
  await prepareBus(nats);
  const dataDir = await mkdtemp(join(tmpdir(), "mio-bench-"));
  const started: (Host & { subject: string })[] = [];
  try {
    started.push({ ...(await startBareServer()), subject: "node:http, nothing done" });
    for (const name of options.hosts)
      for (const variant of options.variants)
        started.push({
          ...(await startHost(name, variant, server, join(dataDir, `${name} ${variant}`))),
          subject: `${name}, ${variant}`,
        });
    for (const { port } of started) {
      await untilAnswered(port);
      await load.run({ port, path: webhookPath, connections: 64, seconds: compileSeconds, warmUpSeconds: 0 }, () => {});
    }
    const bench = { nats, load, seconds: options.seconds, busPid: server.pid };
    const lines: EdgeLine[] = [];
    for (const connections of options.connections) {
      const alone = await benchBus(bench, connections);
      const beside = [alone];
      for (const host of started) beside.push(await benchHost(bench, host, { connections }));
      lines.push(...beside.map((line) => withRatios(line, beside)));
    }
    for (const rate of options.rates)
      for (const host of started) lines.push(await benchHost(bench, host, { connections: connectionsAtRate, rate }));
    return lines;
  } finally {
    await Promise.all(started.map((host) => host.stop()));
    await nats.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

export function printEdge(lines: readonly EdgeLine[]): void {
  const about = `signed webhooks of ${webhookBytes} bytes until their 200, ${conversations} conversations, ${shardCount} shards`;
  const columns = [
    ...["", "per second", "p50 ms", "p99 ms", "max ms", "of the bus", "of ungrouped"],
    ...["events a group", "bytes on the bus", "edge CPU ms", "bus CPU ms", "load CPU ms", "not 200"],
  ];
  const fixed = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? "";
  const askedOf = ({ connections, rate }: EdgeLine) =>
    rate === undefined ? `${connections} connections, each asking again when it has its answer` : `at ${rate} a second`;
  const asked = [...new Set(lines.map(askedOf))];
  for (const each of asked)
    printTable(
      `Edge: ${about}; ${each}. CPU and bytes are those of one message.`,
      columns,
      lines
        .filter((line) => askedOf(line) === each)
        .map((line) => [
          line.subject,
          fixed(line.perSecond, 0),
          fixed(line.p50Ms, 1),
          fixed(line.p99Ms, 1),
          fixed(line.maxMs, 0),
          fixed(line.ofBus, 2),
          fixed(line.ofUngrouped, 2),
          fixed(line.eventsPerGroup, 1),
          fixed(line.busBytesPerMessage, 0),
          fixed(line.edgeCpuMsPerMessage, 3),
          fixed(line.busCpuMsPerMessage, 3),
          fixed(line.loadCpuMsPerMessage, 3),
          String(line.refused || ""),
        ]),
    );
}

function withRatios(line: EdgeLine, beside: readonly EdgeLine[]): EdgeLine {
  const [alone] = beside;
  const ungrouped = beside.find(({ subject }) => subject === line.subject.replace(/, grouped$/, ", ungrouped"));
  return {
    ...line,
    ofBus: alone && alone !== line ? line.perSecond / alone.perSecond : undefined,
    ofUngrouped: ungrouped && ungrouped !== line ? line.perSecond / ungrouped.perSecond : undefined,
  };
}

interface Bench {
  nats: NatsConnection;
  load: LoadGenerator;
  seconds: number;
  busPid: number;
}

interface Books {
  edgeMs: number | undefined;
  busMs: number | undefined;
  loadMs: number | undefined;
  groups: number;
  bytes: number;
}

async function benchHost(
  bench: Bench,
  host: Host & { subject: string },
  how: { connections: number; rate?: number },
): Promise<EdgeLine> {
  const look = async (): Promise<Books> => {
    const { state } = await (await bench.nats.jetstreamManager()).streams.info(streams.ingress.name);
    const cpu = { edgeMs: cpuMsOf(host.pid), busMs: cpuMsOf(bench.busPid), loadMs: cpuMsOf(bench.load.pid) };
    return { ...cpu, groups: state.messages, bytes: state.bytes };
  };
  let before: Promise<Books> | undefined;
  const { seconds } = bench;
  const asked = { port: host.port, path: webhookPath, seconds, warmUpSeconds, ...how };
  const figures = await bench.load
    .run(asked, () => {
      before = look();
    })
    .catch((cause: Error) => {
      throw new Error(`${host.subject}, ${JSON.stringify(how)}: ${cause.message}`, { cause });
    });
  const [from, to] = [await before, await look()];
  const each = (end: number | undefined, start: number | undefined) =>
    end === undefined || start === undefined || figures.count === 0 ? undefined : (end - start) / figures.count;
  const groups = to.groups - (from?.groups ?? 0);
  return {
    ...how,
    subject: host.subject,
    ...figures,
    ...(groups > 0
      ? {
          eventsPerGroup: figures.count / groups,
          busBytesPerMessage: each(to.bytes, from?.bytes),
          busCpuMsPerMessage: each(to.busMs, from?.busMs),
        }
      : {}),
    edgeCpuMsPerMessage: each(to.edgeMs, from?.edgeMs),
    loadCpuMsPerMessage: each(to.loadMs, from?.loadMs),
  };
}

/** Publishes of a webhook's size, each acknowledged. */
async function benchBus({ nats, seconds, busPid }: Bench, connections: number): Promise<EdgeLine> {
  const bus = {
    connection: nats,
    headers,
    inboxPrefix: "_INBOX",
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
  };
  const body = new Uint8Array(webhookBytes).fill(120);
  const beforeMs = cpuMsOf(busPid);
  const figures = await measure({ concurrency: connections, seconds, warmUpSeconds: 0 }, async () => {
    const ack = await publishAcked(bus, bareSubject, body, { timeoutMs: 5_000, messageId: randomUUID() });
    if (ack.kind !== "stored") throw new Error(`a publish was ${ack.kind}`);
  });
  const afterMs = cpuMsOf(busPid);
  const busCpuMsPerMessage = beforeMs === undefined || afterMs === undefined ? undefined : (afterMs - beforeMs) / figures.count;
  return { subject: "the bus alone", connections, refused: 0, ...figures, busCpuMsPerMessage };
}

/** The directory is read by the first requests; until then they are answered 503. */
async function untilAnswered(port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  await using load = new LoadGenerator();
  for (;;) {
    const once = { port, path: webhookPath, connections: 1, seconds: 0.05, warmUpSeconds: 0 };
    const { count } = await load.run(once, () => {});
    if (count > 0) return;
    if (performance.now() > deadline) throw new Error("the edge does not answer 200");
  }
}
