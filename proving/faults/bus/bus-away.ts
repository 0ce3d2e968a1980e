// The bus is away for long: what is answered meanwhile lies in the spool, and drains in order. (An hour is proven with a virtual clock, in
// edge/src/uplink/simulation.test.ts.)
import type { LoadFault } from "../fault.ts";

const from = 0.1;

export const busAway: LoadFault = {
  name: "bus-away",
  help: "nats-server killed with -9 after a tenth of the run, and away for :<count> seconds",
  count: { usual: 20, max: 3_000 },
  async run({ system, count, seconds, at, pause, progress }) {
    await at(from);
    const startMs = performance.now();
    await system.nats.kill();
    progress(`bus-away: nats-server killed for ${count} s`);
    await pause(count * 1_000);
    await system.nats.restart();
    const awayMs = Math.round(performance.now() - startMs);
    progress(`bus-away: nats-server is back after ${awayMs} ms`);
    const findings = from * seconds + count > seconds ? ["the load had ended before the bus came back: give more --seconds"] : [];
    return { figures: { away_ms: awayMs }, findings };
  },
};
