// `npm start` as its user meets it: a program that is started, stopped, killed and fed with nonsense; and what then still runs.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { identityOf, type ProcessIdentity, stillRuns } from "./servers/process-identity.ts";
import { type LocalSystem, localFileOf, readLocalFile } from "./system/local-file.ts";

// Whole systems start here, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const program = join(import.meta.dirname, "start.ts");
const within = { timeout: 120_000, interval: 100 };
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mio-start-test-"));
  folders.push(folder);
  return join(folder, "data");
}

interface Start {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  ended: Promise<number | null>;
}

function start(words: readonly string[], env: Record<string, string> = {}): Start {
  const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, npm_lifecycle_event: "", ...env } });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Started and ready, with the identities of all its processes. */
async function ready(data: string): Promise<{ run: Start; system: LocalSystem; processes: ProcessIdentity[] }> {
  const run = start(["--data", data, "--channels", "test", "--any-ports", "--json"]);
  await vi.waitFor(() => {
    if (run.child.exitCode !== null) throw new Error(`it ended: ${run.stderr()}`);
    expect(run.stdout()).toMatch(/\n$/);
  }, within);
  const system = await readLocalFile(data);
  if (!system) throw new Error("ready, and no local.json");
  const processes = Object.values(system.pids).map((pid) => identityOf(pid));
  return { run, system, processes: processes.filter((each) => each !== undefined) };
}

/** Processes of that system that still run, and any other that names its folder. */
function left(data: string, processes: readonly ProcessIdentity[]): string[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" });
  return [
    ...processes.filter(stillRuns).map((each) => each.command),
    ...stdout.split("\n").filter((line) => line.includes(data)),
  ];
}

it("prints one line of JSON when all is ready, keeps it in local.json for its owner alone, and leaves nothing behind on SIGTERM", async () => {
  const data = dataFolder();
  const { run, system, processes } = await ready(data);
  expect(JSON.parse(run.stdout())).toEqual(system);
  expect(run.stdout().trimEnd().split("\n")).toHaveLength(1);
  expect(statSync(localFileOf(data)).mode & 0o777).toBe(0o600);
  expect(Object.keys(system.pids)).toEqual(
    expect.arrayContaining(["nats-server", "postgres", "core", "edge", "workerd", "agent", "simulator_test"]),
  );
  expect(processes.length).toBe(Object.keys(system.pids).length);
  for (const page of [`${system.core}/health/ready`, `${system.edge}/health/ready`]) expect((await fetch(page)).status).toBe(200);

  const second = start(["--data", data]);
  expect(await second.ended).toBe(1);
  expect(second.stderr()).toMatch(
    /^mio: a system runs on .* already \(process \d+\): stop it, or choose another folder with --data\n$/,
  );
  expect((await fetch(`${system.edge}/health/ready`)).status).toBe(200);

  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(0);
  expect(left(data, processes)).toEqual([]);
  expect(existsSync(localFileOf(data))).toBe(false);
});

it("stops everything when one of its parts dies, says which, and ends with a code that is not 0", async () => {
  const data = dataFolder();
  const { run, system, processes } = await ready(data);
  process.kill(system.pids.workerd ?? 0, "SIGKILL");
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(/mio: edge \(process \d+\) ended by itself/);
  expect(left(data, processes)).toEqual([]);
  expect(existsSync(localFileOf(data))).toBe(false);
});

it("killed with -9, its parts end by themselves, and the next start takes over the folder and says so", async () => {
  const data = dataFolder();
  const { run, system, processes } = await ready(data);
  process.kill(system.pids["nats-server"] ?? 0, "SIGSTOP");
  run.child.kill("SIGKILL");
  await run.ended;
  const again = await ready(data);
  expect(again.run.stderr()).toMatch(/an earlier start on .* did not stop in order; /);
  expect(processes.filter(stillRuns)).toEqual([]);
  expect(again.system.accounts).toEqual(system.accounts);
  again.run.child.kill("SIGINT");
  expect(await again.run.ended).toBe(0);
  expect(left(data, again.processes)).toEqual([]);
});

it.each([50, 400, 900, 1_600, 2_400])("stopped %i ms after it began to start, leaves nothing behind", async (afterMs) => {
  const data = dataFolder();
  const run = start(["--data", data, "--channels", "test", "--any-ports"]);
  // When in its start the signal comes is the very thing that is tried here.
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  run.child.kill("SIGINT");
  await run.ended;
  expect(left(data, [])).toEqual([]);
  expect(existsSync(localFileOf(data))).toBe(false);
});

const taken = createServer().listen(0, "127.0.0.1");
afterEach(() => {
  taken.unref();
});

it.each<[string, string[], Record<string, string>, RegExp]>([
  ["an unknown word", ["bogus"], {}, /too many arguments|bogus/],
  ["an unknown option", ["--bogus"], {}, /unknown option '--bogus'/],
  ["a missing value", ["--data"], {}, /argument missing/],
  ["a port that is none", ["--port", "0x"], {}, /whole number from 1 to 65535/],
  ["an unknown channel", ["--channels", "pigeon"], {}, /no channel "pigeon"/],
  [
    "a folder that cannot be written",
    ["--data", "/proc/mio"],
    {},
    /\/proc\/mio cannot be written .*: choose another with --data/,
  ],
  [
    "a Postgres that is not there",
    [],
    { MIO_POSTGRES_DSN: "postgres://mio:secret@127.0.0.1:9/mio" },
    /no Postgres answers at 127\.0\.0\.1:9 .*MIO_POSTGRES_DSN/,
  ],
  [
    "a bus that is not there",
    [],
    { MIO_NATS_URL: "nats://127.0.0.1:9", MIO_NATS_WEBSOCKET_URL: "ws://127.0.0.1:9" },
    /nats-server at 127\.0\.0\.1:9 cannot be used .*unset MIO_NATS_URL/,
  ],
  ["a bus without its WebSocket door", [], { MIO_NATS_URL: "nats://127.0.0.1:9" }, /MIO_NATS_WEBSOCKET_URL/],
])("%s: one line that says what to do, and nothing is left running", async (_, words, env, complaint) => {
  const data = dataFolder();
  const run = start(words.includes("--data") ? words : ["--data", data, ...words], env);
  expect(await run.ended).not.toBe(0);
  const lines = run.stderr().trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines.at(-1)).toMatch(complaint);
  expect(lines.at(-1)).toMatch(/^mio: /);
  expect(run.stdout()).toBe("");
  expect(left(data, [])).toEqual([]);
});

it("a port in use: one line that says what to do", async () => {
  const address = taken.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const data = dataFolder();
  const run = start(["--data", data, "--port", String(port)]);
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(
    new RegExp(`^mio: port ${port} is in use: choose another with --port, or leave it out for a free one\\n$`),
  );
  expect(left(data, [])).toEqual([]);
});

it("started by npm, the end of npm ends everything, also by kill -9", async () => {
  const data = dataFolder();
  const npm = spawn("npm", ["start", "--", "--data", data, "--channels", "test", "--any-ports"], {
    cwd: join(import.meta.dirname, ".."),
    stdio: "ignore",
  });
  children.push(npm);
  const system = await vi.waitFor(async () => {
    const found = await readLocalFile(data);
    if (!found) throw new Error("not ready");
    return found;
  }, within);
  const processes = Object.values(system.pids)
    .map((pid) => identityOf(pid))
    .filter((each) => each !== undefined);
  npm.kill("SIGKILL");
  await vi.waitFor(() => expect(left(data, processes)).toEqual([]), within);
});

it("says how it is used", async () => {
  const run = start(["--help"]);
  expect(await run.ended).toBe(0);
  expect(run.stdout()).toMatch(/MIO_POSTGRES_DSN[\s\S]*MIO_NATS_URL/);
});
