// The edge dies without a word, on the same data: what it had answered 200 is on the bus or in its spool, and nowhere else.
import { killEdge } from "../../stand/kill-edge.ts";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

const awayMsMin = 200;
const awayMsMax = 2_000;

export const edgeKilled: Fault = {
  name: "edge-killed",
  help: "workerd, or the Node host, killed with -9 and restarted on the same data, :<count> times",
  count: { usual: 1, max: 20 },
  edgeDies: true,
  async run({ system, count, random, progress, at, pause, signal }) {
    let awayMs = 0;
    for (let time = 0; time < count; time += 1) {
      await at((time + 0.1 + random.next() * 0.6) / count);
      const startMs = performance.now();
      await killEdge(system.edge);
      progress(`edge-killed: killed, ${time + 1} of ${count}`);
      await pause(awayMsMin + random.next() * (awayMsMax - awayMsMin));
      await restarted(system.edge, signal);
      const tookMs = performance.now() - startMs;
      awayMs = Math.max(awayMs, tookMs);
      progress(`edge-killed: it is back after ${Math.round(tookMs)} ms`);
    }
    return { figures: { kills: count, longest_away_ms: Math.round(awayMs) }, findings: [] };
  },
};
