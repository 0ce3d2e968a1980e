// A service as a process of its own, so that a test can kill and pause it for real, by its pid.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { eventually } from "../time/eventually.ts";

export interface Child {
  pid: number;
  /** `code` or `signal`. */
  exited: Promise<string>;
  running(): boolean;
  /** Stopped by SIGSTOP, as the system sees it. */
  paused(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when that does not help. */
  stop(): Promise<string>;
}

export interface ChildOptions {
  /** Of the bus. */
  url: string;
  /** Of the database. */
  dsn: string;
  /** Of the form of MIO_CHECKPOINT. */
  checkpoint?: string | undefined;
  variables?: Readonly<Record<string, string>>;
}

/** Runs a file that calls `runInChild` under this Node; it is told to stop when its parent is gone. */
export function startChildProcess(file: string, { url, dsn, checkpoint, variables }: ChildOptions): Child {
  const child: ChildProcess = spawn(process.execPath, [file], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      MIO_TEST_NATS: url,
      MIO_TEST_DSN: dsn,
      ...(checkpoint === undefined ? {} : { MIO_TEST_CHECKPOINT: checkpoint }),
      ...variables,
    },
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error("the child could not be started");
  const exited = new Promise<string>((resolve) => child.once("exit", (code, signal) => resolve(signal ?? String(code))));
  let running = true;
  void exited.then(() => {
    running = false;
  });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    pid,
    exited,
    running: () => running,
    paused: () => / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8")),
    signal,
    stop: async () => {
      signal("SIGCONT");
      signal("SIGTERM");
      await eventually("the child to end", () => !running).catch(() => signal("SIGKILL"));
      return exited;
    },
  };
}
