// A program of ours as a part: it says that it is ready over its message channel, and ends by itself when that channel closes.
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { type ManagedProcess, startProcess } from "./managed-process.ts";
import { Part } from "./part.ts";

export interface NodePartOptions {
  name: string;
  /** The file that Node runs, and its words. */
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  logFile: string;
  readyWithinMs?: number;
  stopGraceMs?: number;
  /** Gives up the start, or ends the program. */
  signal?: AbortSignal | undefined;
}

const readyMessage = v.looseObject({ kind: v.literal("ready") });

/** Core may take 20 s to finish what is in hand. */
const stopGraceDefaultMs = 25_000;

export class NodePart extends Part {
  /** What the program said with "ready", of the present process. */
  readonly ready: () => Record<string, unknown>;
  /** For the next `restart`: added to the environment, or taken away from it when undefined. */
  readonly env: Record<string, string | undefined>;

  constructor(
    options: NodePartOptions,
    first: ManagedProcess,
    start: () => Promise<ManagedProcess>,
    ready: () => Record<string, unknown>,
    env: Record<string, string | undefined>,
  ) {
    super(options.name, first, start, options.stopGraceMs ?? stopGraceDefaultMs);
    this.ready = ready;
    this.env = env;
  }
}

/** Resolves when the program says `{kind: "ready"}`. Rejects with its last words when it ends before, or stays silent too long. */
export async function startNodePart(options: NodePartOptions): Promise<NodePart> {
  let said: Record<string, unknown> = {};
  const extra: Record<string, string | undefined> = {};
  const start = async () => {
    const started = await startProcess({
      command: process.execPath,
      args: [options.program, ...options.args],
      logFile: options.logFile,
      env: { ...process.env, ...options.env, ...extra },
      ipc: true,
      signal: options.signal,
    });
    said = await readyOf(started, options);
    return started;
  };
  return new NodePart(options, await start(), start, () => said, extra);
}

async function readyOf(started: ManagedProcess, options: NodePartOptions): Promise<Record<string, unknown>> {
  const readyWithinMs = options.readyWithinMs ?? 60_000;
  const outcome = await Promise.race([
    firstReady(started.child),
    started.exited.then(() => "ended" as const),
    new Promise<"silent">((resolve) => setTimeout(resolve, readyWithinMs, "silent").unref()),
  ]);
  if (typeof outcome === "object") return outcome;
  await started.stop(0);
  const what = outcome === "ended" ? "ended before it was ready" : `was not ready within ${readyWithinMs} ms`;
  throw new Error(`${options.name} ${what}: ${await lastWords(options.logFile)}`);
}

function firstReady(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    child.on("message", (message: unknown) => {
      const parsed = v.safeParse(readyMessage, message);
      if (parsed.success) resolve(parsed.output);
    });
  });
}

/** The last line of a log that says something; stack frames and bare braces do not. */
async function lastWords(logFile: string): Promise<string> {
  const text = stripVTControlCharacters(await readFile(logFile, "utf8").catch(() => ""));
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.findLast((line) => /error|cannot|failed|not /i.test(line) && !/^\s+at /.test(line)) ?? lines.at(-1);
  return telling?.trim() ?? `it wrote nothing to ${logFile}`;
}
