// `npm run say` as its user meets it, on a system without the platforms for people: what it prints, and what it says when there is no answer.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type RunningSystem, startSystem } from "./system/system.ts";

// Whole systems start here, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
let data: string;
let system: RunningSystem;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mio-say-test-"));
  data = join(folder, "data");
  system = await startSystem({ dataDir: data, channels: ["test"] });
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

function say(...words: string[]): Promise<Said> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "say.ts"), ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

it("prints the conversation as it unfolds, edits included, and ends with 0 once the answer stands", async () => {
  const { code, stdout } = await say("test", "hello", "--data", data, "--user", "bob");
  expect(stdout.trimEnd().split("\n")).toEqual([
    "bob: hello",
    "mio: thinking…",
    expect.stringMatching(/^mio \(edited\): .*hello/),
  ]);
  expect(code).toBe(0);
});

it("--json prints one line for scripts, and nothing else", async () => {
  const { code, stdout } = await say("test", "hello again", "--data", data, "--json", "--conversation", "elsewhere");
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(stdout)).toMatchObject({ channel: "test", answer: { bot: true, edits: [{ text: "thinking…" }] } });
  expect(code).toBe(0);
});

it.each([
  ["no words", [], /missing required argument 'channel'/],
  ["no text", ["test"], /missing required argument 'text'/],
  ["an unknown channel", ["pigeon", "hello"], /no channel "pigeon"/],
  ["a channel that is not running", ["slack", "hello"], /slack is not running there; there are test/],
  ["no system there", ["test", "hello", "--data", "/nowhere"], /no local system runs on \/nowhere: start one with npm start/],
  ["no time for an answer", ["test", "hello", "--timeout", "0.001"], /no final answer within 0.001 s; npm run mio -- status/],
])("%s: one line that says what to do, and a code that is not 0", async (_, words, complaint) => {
  const { code, stderr } = await say(...words, ...(words.includes("--data") ? [] : ["--data", data]));
  expect(stderr).toMatch(complaint);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^say: /);
  expect(code).not.toBe(0);
});
