import { LongestFirst } from "@mio/proving/house/longest-first.ts";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.mio/**", "**/.cache/**"],
    // Tests run against real servers and mostly wait for them: more workers than cores, and deadlines that only a test that
    // hangs reaches, also on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 3,
    pool: "forks",
    // A worker keeps what it has loaded for its next file: loading it anew for each is a sixth of the whole run's work.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["proving/kit/database/global-postgres.ts"],
  },
});
