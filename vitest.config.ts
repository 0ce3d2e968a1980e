import { LongestFirst } from "@mio/proving/house/longest-first.ts";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.mio/**", "**/.cache/**"],
    // Tests run against real servers and mostly wait for them: more workers than cores, and generous deadlines.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    globalSetup: ["proving/kit/database/global-postgres.ts"],
  },
});
