// The whole core is asked to end, and is away for the middle third of the run: it gives back what it holds, and the next one goes on.

import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

export const coreStopped: Fault = {
  name: "core-stopped",
  help: "core stopped with SIGTERM for the middle third of the run, or of each of :<count> parts of it",
  count: { usual: 1, max: 20 },
  async run({ system, count, at, progress, signal }) {
    const findings: string[] = [];
    let awayMs = 0;
    for (let time = 0; time < count; time += 1) {
      await at((time + 1 / 3) / count);
      const startMs = performance.now();
      for (const exit of await Promise.all(system.cores.map((core) => core.stop().then(() => core.exited)))) {
        if (exit.code !== 0) findings.push(`core ended with ${exit.code ?? exit.signal} on SIGTERM`);
      }
      progress(`core-stopped: core ended after ${Math.round(performance.now() - startMs)} ms, ${time + 1} of ${count}`);
      await at((time + 2 / 3) / count);
      await Promise.all(system.cores.map((core) => restarted(core, signal)));
      const tookMs = Math.round(performance.now() - startMs);
      awayMs = Math.max(awayMs, tookMs);
      progress(`core-stopped: core is back after ${tookMs} ms`);
    }
    return { figures: { stops: count, away_ms: awayMs }, findings };
  },
};
