import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { expect, it } from "vitest";

const good = { MIO_ENV: "local", MIO_NATS_URL: "nats://127.0.0.1:1", MIO_POSTGRES_DSN: "postgres://mio@127.0.0.1:1/mio" };

function core(words: string[], env: Record<string, string> = good): { code: number | null; stdout: string; stderr: string } {
  const ended = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    env: { PATH: process.env.PATH ?? "", ...env },
    encoding: "utf8",
  });
  return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

it("names its services in its help", () => {
  const help = core(["--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("dedup, media-vault, sender, admin, telemetry");
});

it("says in one line what is wrong with its words or its environment, and starts nothing", () => {
  const { MIO_NATS_URL: _, ...withoutBus } = good;
  const bad: [string[], Record<string, string>, RegExp][] = [
    [["dedupe"], good, /^core: unknown service: dedupe; there are dedup, /],
    [["dedup"], withoutBus, /^core: MIO_NATS_URL is not set; set it like MIO_NATS_URL=nats:/],
    [["admin"], good, /^core: MIO_DIRECTORY_KEYS is not set; set it like MIO_DIRECTORY_KEYS=\S+:/],
    [["admin"], { ...good, MIO_ENV: "production" }, /^core: MIO_DIRECTORY_KEYS is not set; /],
    [["sender"], good, /^core: MIO_SECRET_KEYS is not set; set it like MIO_SECRET_KEYS=\S+:/],
    [[], { ...good, MIO_DIRECTORY_KEYS: "k:short" }, /^core: MIO_DIRECTORY_KEYS has no good value; /],
    [["dedup"], { ...good, MIO_PARTITIONS: "many" }, /^core: MIO_PARTITIONS has no good value; set it like /],
    [
      ["dedup"],
      { ...good, MIO_POSTGRES_DSN_FILE: "/nonexistent" },
      /^core: MIO_POSTGRES_DSN_FILE names a file that cannot be read/,
    ],
  ];
  for (const [words, env, expected] of bad) {
    const ended = core(words, env);
    expect(ended.stderr).toMatch(expected);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe("");
  }
});

it("ends within seconds and with 0 when it is stopped while it waits for Postgres or for the bus", async () => {
  await using database = await testDatabase();
  const silent = createServer((socket) => void socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const waits: [string, Record<string, string>][] = [
    ["waiting for Postgres", good],
    ["waiting for the bus", { ...good, MIO_POSTGRES_DSN: database.dsn }],
    ["starting", { ...good, MIO_POSTGRES_DSN: database.dsn, MIO_NATS_URL: `nats://127.0.0.1:${port}` }],
  ];
  for (const [line, env] of waits) {
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "dedup"], {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    try {
      if (line === "starting") await once(silent, "connection");
      else for await (const chunk of child.stdout) if (String(chunk).includes(line)) break;
      const stoppedAt = performance.now();
      child.kill("SIGTERM");
      expect(await exited, line).toEqual([0, null]);
      expect(performance.now() - stoppedAt).toBeLessThan(6_000);
    } finally {
      child.kill("SIGKILL");
    }
  }
  silent.close();
}, 60_000);
