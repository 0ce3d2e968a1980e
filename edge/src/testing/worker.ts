// The Worker host in a real workerd with the tests' channel; storage in a folder that outlives a restart.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bundleWorker } from "../../miniflare/bundle.ts";
import { type LocalWorkerOptions, startLocalWorker } from "../../miniflare/worker.ts";
import { edgeUser } from "./bus.ts";

export interface TestWorker {
  url: string;
  /** Lines that the Worker logged. */
  lines: string[];
  /** SIGKILL to workerd, as a crash of the machine would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

let bundled: Promise<string> | undefined;

export async function startTestWorker(
  options: Pick<LocalWorkerOptions, "dataDir" | "natsWebsocketUrl" | "environment">,
): Promise<TestWorker> {
  bundled ??= bundleWorker(join(import.meta.dirname, "entry.ts"));
  const before = new Set(workerdsOf(process.pid));
  const lines: string[] = [];
  const worker = await startLocalWorker({
    ...options,
    natsUser: edgeUser.user,
    natsPassword: edgeUser.password,
    script: await bundled,
    log: (text) => void lines.push(...text.trimEnd().split("\n")),
  });
  const pid = workerdsOf(process.pid).find((each) => !before.has(each));
  return {
    url: worker.url,
    lines,
    kill: async () => {
      if (pid === undefined) throw new Error("workerd was not found among our children");
      process.kill(pid, "SIGKILL");
      await worker.stop().catch(() => {});
    },
    stop: () => worker.stop(),
  };
}

function workerdsOf(parent: number): number[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match && Number(match[2]) === parent && /workerd/.test(match[3] ?? "") ? [Number(match[1])] : [];
  });
}
