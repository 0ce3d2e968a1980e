// The bus is away and the spool fills up: what was promised stays, and what finds no room is told to come again, until the bus is back.
import { edgeHealth } from "../../judge/edge-health.ts";
import type { Fault } from "../fault.ts";

/** Of one shard in workerd, of the whole process on Node: some 1,200 messages, and the least that the Node host takes. */
const spoolBytesMax = String(1024 * 1024);
/** Asked for while the bus is away; more often would be a load of its own. */
const lookMs = 1_000;

export const spoolFull: Fault = {
  name: "spool-full",
  help: "the bus away from 20 % to 60 % of the run, and its spool limited to 1 MiB; 503 when full, nothing dropped",
  needs: { edgeEnv: { SPOOL_BYTES_MAX: spoolBytesMax, MIO_SPOOL_BYTES_MAX: spoolBytesMax } },
  async run({ system, load, at, pause, progress, seconds, startMs }) {
    await at(0.2);
    await system.nats.kill();
    const fromMs = performance.now();
    progress("spool-full: the bus is away");
    let rows = 0;
    while (performance.now() < startMs + 0.6 * seconds * 1_000) {
      rows = Math.max(rows, (await edgeHealth(system.info().edge))?.spoolRows ?? 0);
      await pause(lookMs);
    }
    await system.nats.restart();
    progress("spool-full: the bus is back");
    const attempts = load.messages.flatMap((message) => message.attempts).filter(({ sentMs }) => sentMs > fromMs);
    const refused = attempts.filter(({ status }) => status === 503).length;
    return {
      figures: { spool_bytes_max: spoolBytesMax, most_spool_rows: rows, answered_503: refused },
      findings:
        refused === 0
          ? ["no webhook was answered 503: the spool was not full; it takes some 1,200 messages of a shard: run longer or faster"]
          : [],
    };
  },
};
