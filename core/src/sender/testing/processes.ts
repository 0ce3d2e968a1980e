// Senders as processes: started, killed, paused and resumed by their pid.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DoorOptions } from "./door.ts";
import { type Stage, until } from "./stage.ts";

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

/** `checkpoint` is of the form of MIO_CHECKPOINT. */
export function startChild(stage: Stage, options: { door?: DoorOptions; checkpoint?: string } = {}): Child {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "child.ts")], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      MIO_TEST_NATS: stage.server.url,
      MIO_TEST_DSN: stage.dsn,
      MIO_TEST_DOOR: JSON.stringify(options.door ?? {}),
      ...(options.checkpoint === undefined ? {} : { MIO_TEST_CHECKPOINT: options.checkpoint }),
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
      await until(() => !running, 20_000).catch(() => signal("SIGKILL"));
      return exited;
    },
  };
}
