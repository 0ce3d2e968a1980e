// The whole system on this machine. Either all of it is up when `startSystem` resolves, or nothing of it runs when it rejects; and nothing runs
// after `stop`. Scripts find it by local.json, fault runs hold its parts.
import { resolve } from "node:path";
import { openRegister, type Register } from "./leftovers.ts";
import { type LocalSystem, removeLocalFile, writeLocalFile } from "./local-file.ts";
import { type Parts, startParts } from "./start-parts.ts";
import type { SystemOptions } from "./system-options.ts";
import { Tiers } from "./tiers.ts";

export interface RunningSystem extends AsyncDisposable {
  /** What stands in local.json, with the process ids of now. */
  info(): LocalSystem;
  parts: Parts;
  /** Resolves with one line when a part has ended that nobody stopped. */
  broken: Promise<string>;
  stop(): Promise<void>;
}

export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const dataDir = resolve(options.dataDir);
  const progress = options.progress ?? (() => undefined);
  const register = await openRegister(dataDir);
  if (register.takenOver) progress(takenOver(dataDir, register));
  const tiers = new Tiers((part) => register.note(part.name, part.pid));
  const stop = async () => {
    await removeLocalFile(dataDir);
    tiers.onChange = undefined;
    await tiers.stop();
    await removeLocalFile(dataDir);
    await register.close();
  };
  const giveUp = () => tiers.giveUp();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await removeLocalFile(dataDir);
    options.signal?.throwIfAborted();
    const started = await startParts({ ...options, dataDir, progress }, tiers);
    options.signal?.throwIfAborted();
    tiers.allUp();
    const info = () => ({ ...started.info, pids: { starter: process.pid, ...tiers.pids(), ...workerdOf(started.parts) } });
    await writeLocalFile(dataDir, info());
    tiers.onChange = () => void writeLocalFile(dataDir, info());
    return { info, parts: started.parts, broken: tiers.broken, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw options.signal?.aborted ? new Error("stopped while starting", { cause: error }) : error;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}

function takenOver(dataDir: string, register: Register): string {
  const left =
    register.ended.length === 0 ? "nothing of it ran any more" : `ended what it had left running: ${register.ended.join(", ")}`;
  return `an earlier start on ${dataDir} did not stop in order; ${left}`;
}

/** The Worker's own process, a child of the part that hosts it. */
function workerdOf(parts: Parts): Record<string, number> {
  const pid = parts.edge.ready().workerd_pid;
  return typeof pid === "number" ? { workerd: pid } : {};
}
