// What the system says of a process: whether it runs, is stopped by SIGSTOP, or is gone. A fault run must see its fault happen.
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

type ProcessState = "running" | "stopped" | "gone";

async function stateOf(pid: number): Promise<ProcessState> {
  // ps ends with 1 when there is no such process.
  const { stdout } = await run("ps", ["-o", "stat=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  const state = stdout.trim()[0];
  if (state === undefined || state === "Z") return "gone";
  return state === "T" ? "stopped" : "running";
}

/** Resolves when the process has been stopped; rejects when it has not within `withinMs`. */
export function stopped(pid: number, withinMs: number): Promise<void> {
  return becomes(pid, "stopped", withinMs);
}

/** Resolves when the process is gone; rejects when it is not within `withinMs`. */
export function gone(pid: number, withinMs: number): Promise<void> {
  return becomes(pid, "gone", withinMs);
}

async function becomes(pid: number, wanted: ProcessState, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const state = await stateOf(pid);
    if (state === wanted) return;
    if (state === "gone" || performance.now() > deadline) {
      throw new Error(`process ${pid} is ${state}, and was to be ${wanted} within ${withinMs / 1000} s`);
    }
    await sleep(100);
  }
}
