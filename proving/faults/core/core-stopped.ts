// The whole core is away for the middle third of the run.

import { restarted } from "../../stand/restarted.ts";
import type { LoadFault } from "../fault.ts";

export const coreStopped: LoadFault = {
  name: "core-stopped",
  help: "core stopped for the middle third of the run",
  async run({ system, at, progress, signal }) {
    await at(1 / 3);
    const startMs = performance.now();
    await Promise.all(system.cores.map((core) => core.stop()));
    progress("core-stopped: core is stopped");
    await at(2 / 3);
    await Promise.all(system.cores.map((core) => restarted(core, signal)));
    const awayMs = Math.round(performance.now() - startMs);
    progress(`core-stopped: core is back after ${awayMs} ms`);
    return { figures: { away_ms: awayMs }, findings: [] };
  },
};
