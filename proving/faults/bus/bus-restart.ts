// nats-server dies and comes back, each time at a moment of its own part of the run.
import type { Fault } from "../fault.ts";

const awayMsMin = 500;
const awayMsMax = 3_000;

export const busRestart: Fault = {
  name: "bus-restart",
  help: "nats-server killed with -9 and restarted, :<count> times",
  count: { usual: 1, max: 20 },
  async run({ system, count, random, progress, at, pause }) {
    let awayMs = 0;
    for (let time = 0; time < count; time += 1) {
      // In the first three quarters of its part, so that it is back before the next one.
      await at((time + 0.1 + random.next() * 0.65) / count);
      const startMs = performance.now();
      await system.nats.kill();
      progress(`bus-restart: nats-server killed, ${time + 1} of ${count}`);
      await pause(awayMsMin + random.next() * (awayMsMax - awayMsMin));
      await system.nats.restart();
      const tookMs = performance.now() - startMs;
      awayMs = Math.max(awayMs, tookMs);
      progress(`bus-restart: nats-server is back after ${Math.round(tookMs)} ms`);
    }
    return { figures: { restarts: count, longest_away_ms: Math.round(awayMs) }, findings: [] };
  },
};
