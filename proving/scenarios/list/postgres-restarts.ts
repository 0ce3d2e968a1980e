// (d) The database goes away in peace and by force: core waits and goes on, the edge notices nothing.
import type { Scenario } from "../scenario.ts";

export const postgresRestarts: Scenario = {
  key: "d",
  title: "Postgres restarted, then killed with -9 for 10 s",
  async run({ system, progress, seconds }) {
    progress("Postgres: restart");
    await system.postgres.restart();
    await seconds(10);
    progress("Postgres: kill -9");
    await system.postgres.kill();
    await seconds(10);
    await system.postgres.restart();
    await seconds(10);
    return [];
  },
};
