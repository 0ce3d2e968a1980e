// The database goes away in peace and by force: core waits and goes on, the edge notices nothing.
import type { Fault } from "../fault.ts";

export const postgresRestarted: Fault = {
  name: "postgres-restarted",
  help: "Postgres restarted after a tenth of the run",
  async run({ system, at, progress }) {
    await at(0.1);
    const startMs = performance.now();
    progress("postgres-restarted: restart");
    await system.postgres.restart();
    return { figures: { away_ms: Math.round(performance.now() - startMs) }, findings: [] };
  },
};

export const postgresAway: Fault = {
  name: "postgres-away",
  help: "Postgres killed with -9 after a tenth of the run, and away for :<count> seconds",
  count: { usual: 10, max: 600 },
  async run({ system, count, at, pause, progress }) {
    await at(0.1);
    const startMs = performance.now();
    progress(`postgres-away: kill -9, for ${count} s`);
    await system.postgres.kill();
    await pause(count * 1_000);
    await system.postgres.restart();
    return { figures: { away_ms: Math.round(performance.now() - startMs) }, findings: [] };
  },
};
