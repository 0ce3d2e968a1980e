import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

function run(words: string[], env: Record<string, string> = {}) {
  const ended = spawnSync(process.execPath, words, {
    cwd: root,
    encoding: "utf8",
    timeout: 30_000,
    env: { ...process.env, ...env },
  });
  return { status: ended.status, stdout: ended.stdout, lines: ended.stderr.trimEnd().split("\n") };
}

const agent = { MIO_NATS_URL: "nats://127.0.0.1:1", MIO_AGENT_GROUP: "echo", MIO_AGENT_ACCOUNTS: "a" };

it.each<[string[], RegExp, Record<string, string>?]>([
  [["proving/bench/main.ts", "--foo"], /^bench: Unknown option '--foo'/],
  [["proving/bench/main.ts", "foo"], /^bench: there is no bench foo/],
  [["local/system/edge-worker.ts", "--foo"], /^edge: Unknown option '--foo'/],
  [["local/system/edge-worker.ts"], /^edge: --data names the folder/],
  [["local/system/simulator.ts", "--foo"], /^simulator: Unknown option '--foo'/],
  [["local/system/simulator.ts", "slack", "--port", "x"], /^simulator slack: --port is a number from 0 to 65535, not "x"/],
  [["local/say.ts", "slak", "hello"], /^say: there is no channel "slak"; there are .*; npm run say -- --help$/],
  [
    ["local/say.ts", "slack", "hello", "--timeout", "0"],
    /^say: --timeout: seconds from 1 to 3600 are needed; npm run say -- --help$/,
  ],
  [["local/start.ts", "--channels", "slak"], /^mio: --channels: there is no channel "slak"; there are .*; npm start -- --help$/],
  [["proving/check.ts", "--foo"], /^check: Unknown option '--foo'/],
  [["proving/check.ts", "foo"], /^check: Unexpected argument 'foo'/],
  [["proto/generate.ts", "--foo"], /^proto: unknown word --foo/],
  [["sdk/typescript/examples/echo-agent.ts"], /^echo-agent: .*CONNECTION_REFUSED|ECONNREFUSED/, agent],
  [["sdk/typescript/examples/echo-agent.ts"], /^echo-agent: an agent's name is letters/, { ...agent, MIO_AGENT_GROUP: "a.b" }],
])("says in one line what is wrong with %j and ends with code 1", (words, said, env) => {
  const { status, lines } = run(words, env);
  expect(lines).toEqual([expect.stringMatching(said)]);
  expect(status).toBe(1);
});

it.each([
  "proving/bench/main.ts",
  "local/system/edge-worker.ts",
  "local/system/simulator.ts",
  "proving/check.ts",
  "proto/generate.ts",
])("prints the usage of %s and does nothing", (program) => {
  const { status, stdout } = run([program, "--help"]);
  expect(stdout).toMatch(/^Usage: n/);
  expect(status).toBe(0);
});

it("starts no simulator on a state that cannot be read, for it would be overwritten", () => {
  const folder = mkdtempSync(join(tmpdir(), "mio-simulator-"));
  try {
    const { status, lines } = run(["local/system/simulator.ts", "slack", "--state", folder]);
    expect(lines).toEqual([expect.stringMatching(/^simulator slack: EISDIR/)]);
    expect(status).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
