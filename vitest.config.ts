import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.mio/**", "**/.cache/**"],
    // Tests run against real servers on two cores: generous deadlines, few workers.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: "forks",
    globalSetup: ["proving/kit/database/global-postgres.ts"],
  },
});
