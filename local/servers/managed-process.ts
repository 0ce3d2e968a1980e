// A child process that cannot outlive us: it leads a process group of its own (Ctrl-C reaches only us, and we stop it in order), and a
// tiny shell beside it waits on a pipe from us; when the pipe closes because we were killed, that shell ends the whole group.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  command: string;
  args: readonly string[];
  /** Standard output and error are appended here, mode 0600. */
  logFile: string;
  env?: Record<string, string | undefined>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** What asks it to end in peace; SIGTERM when left out. */
  stopSignal?: NodeJS.Signals;
  /** A Node program of ours: opens a message channel, whose closing tells it that we are gone. */
  ipc?: boolean;
  /** Aborted: asks the process to end, and makes it a little later. */
  signal?: AbortSignal | undefined;
}

export interface ManagedProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly exited: Promise<ProcessExit>;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, after `graceMs` makes it; resolves when it is gone and nothing of its group is left. */
  stop(graceMs?: number): Promise<ProcessExit>;
}

/** Rejects when the program cannot be started at all. */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  options.signal?.throwIfAborted();
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: options.ipc ? ["ignore", log, log, "ipc"] : ["ignore", log, log],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(new Error(`${options.command} could not be started: ${error.message}`, { cause: error })),
    );
  });
  child.on("error", () => undefined);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.command} was started without a process id`);
  const stopSignal = options.stopSignal ?? "SIGTERM";
  const guard = startGuard(pid, stopSignal);
  let running = true;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => {
      running = false;
      signalGroup(pid, "SIGKILL");
      guard.kill("SIGKILL");
      resolve({ code, signal });
    });
  });
  const managed: ManagedProcess = {
    pid,
    child,
    exited,
    get running() {
      return running;
    },
    signal: (signal) => {
      if (running) child.kill(signal);
    },
    stop: async (graceMs = 10_000) => {
      if (running) {
        child.kill(stopSignal);
        child.kill("SIGCONT");
        const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
        await exited;
        clearTimeout(timer);
      }
      return exited;
    },
  };
  const giveUp = () => void managed.stop(abortGraceMs);
  options.signal?.addEventListener("abort", giveUp, { once: true });
  void exited.then(() => options.signal?.removeEventListener("abort", giveUp));
  return managed;
}

const abortGraceMs = 5_000;

/** What the shell runs: wait for the end of the pipe, ask, wait five seconds, make it. */
const guardScript = `
read -r _
kill -"$2" -- -"$1" 2>/dev/null || kill -"$2" "$1" 2>/dev/null
kill -CONT -- -"$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  kill -0 -- -"$1" 2>/dev/null || exit 0
  sleep 0.2
done
kill -KILL -- -"$1" 2>/dev/null`;

function startGuard(pid: number, stopSignal: NodeJS.Signals): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", guardScript, "mio-guard", String(pid), stopSignal.replace("SIG", "")], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  // The pipe must not keep us alive either; a child process's stdin is a socket with an unref of its own.
  const pipe: unknown = guard.stdin;
  if (typeof pipe === "object" && pipe !== null && "unref" in pipe && typeof pipe.unref === "function") pipe.unref();
  return guard;
}

/** Ends what a process has left in its group; nothing happens when the group is empty. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // No such group: nothing was left.
  }
}
