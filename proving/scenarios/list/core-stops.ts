// (h) Core is asked to end, three times: it gives back what it holds, and the next one goes on.
import type { Scenario } from "../scenario.ts";

export const coreStops: Scenario = {
  key: "h",
  title: "SIGTERM to core three times",
  async run({ system, progress, seconds }) {
    const findings: string[] = [];
    for (let time = 1; time <= 3; time += 1) {
      progress(`core: SIGTERM, time ${time}`);
      const startMs = performance.now();
      await system.core.stop();
      const exit = await system.core.exited;
      progress(`core ended with ${exit.code ?? exit.signal} after ${Math.round(performance.now() - startMs)} ms`);
      if (exit.code !== 0) findings.push(`core ended with ${exit.code ?? exit.signal} on SIGTERM`);
      await system.core.restart();
      await seconds(5);
    }
    return findings;
  },
};
