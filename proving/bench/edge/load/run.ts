// Two kinds of load. Closed: each connection asks again when it has its answer, so a slow edge is asked less. Open: requests fall due at a
// fixed rate whatever comes back, and a latency counts from when the request was due, so waiting for a free connection counts too.
import { type Connection, connectTo } from "./connection.ts";

export interface Load {
  port: number;
  path: string;
  connections: number;
  seconds: number;
  warmUpSeconds: number;
  /** Requests a second; closed when left out. */
  rate?: number | undefined;
}

export interface LoadFigures {
  /** Answered 200 while it was measured. */
  count: number;
  /** Answered otherwise, or not at all. */
  refused: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Tells `measuring` when the warm-up is over. Rejects when no connection can be made. */
export async function runLoad(load: Load, ring: readonly Buffer[], measuring: () => void): Promise<LoadFigures> {
  const connections = await Promise.all(Array.from({ length: load.connections }, () => connectTo(load.port)));
  const record = new Record();
  try {
    const work = load.rate === undefined ? closedLoop : openLoop(load.rate);
    await work(connections, ring, performance.now() + 1_000 * load.warmUpSeconds, record);
    record.start();
    measuring();
    await work(connections, ring, performance.now() + 1_000 * load.seconds, record);
    return record.figures();
  } finally {
    for (const connection of connections) connection.close();
  }
}

type Work = (connections: readonly Connection[], ring: readonly Buffer[], untilMs: number, record: Record) => Promise<void>;

async function closedLoop(connections: readonly Connection[], ring: readonly Buffer[], untilMs: number, record: Record) {
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise<void>((resolve) => {
          const next = () => {
            const askedMs = performance.now();
            if (askedMs >= untilMs) return resolve();
            const answered = (status: number) => {
              record.add(status, performance.now() - askedMs);
              next();
            };
            connection.send(record.nextOf(ring), answered);
          };
          next();
        }),
    ),
  );
}

function openLoop(rate: number): Work {
  return (connections, ring, untilMs, record) =>
    new Promise((resolve) => {
      const startedMs = performance.now();
      const total = Math.round(((untilMs - startedMs) / 1_000) * rate);
      const free = [...connections];
      let asked = 0;
      let answers = 0;
      const ask = () => {
        while (free.length > 0 && asked < total) {
          const dueMs = startedMs + (asked / rate) * 1_000;
          if (dueMs > performance.now()) return;
          // In turn, so that none idles for so long that the edge closes it.
          const connection = free.shift();
          if (!connection) return;
          asked += 1;
          const answered = (status: number) => {
            record.add(status, performance.now() - dueMs);
            free.push(connection);
            answers += 1;
            if (answers === total) {
              clearInterval(timer);
              resolve();
            } else ask();
          };
          connection.send(record.nextOf(ring), answered);
        }
      };
      // A timer's millisecond is part of a latency, half of it on average.
      const timer = setInterval(ask, 1);
    });
}

class Record {
  #durationsMs: number[] = [];
  #refused = 0;
  #startedMs = 0;
  #index = 0;

  nextOf(ring: readonly Buffer[]): Buffer {
    const request = ring[this.#index % ring.length];
    if (!request) throw new Error("no webhook was made");
    this.#index += 1;
    return request;
  }

  start(): void {
    this.#durationsMs = [];
    this.#refused = 0;
    this.#startedMs = performance.now();
  }

  add(status: number, durationMs: number): void {
    if (status === 200) this.#durationsMs.push(durationMs);
    else this.#refused += 1;
  }

  figures(): LoadFigures {
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    const sorted = Float64Array.from(this.#durationsMs).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      count: sorted.length,
      refused: this.#refused,
      perSecond: sorted.length / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  }
}
