// The Worker host in a real workerd with the tests' channel; storage in a folder that outlives a restart.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startLocalWorker } from "@mio/local/servers/worker.ts";
import { bundleWorker } from "@mio/local/servers/worker-bundle.ts";
import { testDirectoryKeys } from "../bus/directory-keys.ts";
import { edgeUser } from "./bus.ts";
import { type HostKind, type HostOptions, type TestHost, webSocket } from "./host.ts";
import { limitsVariable } from "./uplink-parts.ts";

export const worker: HostKind = { name: "the Worker", carrier: webSocket, start };

/** The tests' own, and the one that ships. */
const bundles = new Map<string, Promise<string>>();

async function start({
  dataDir,
  busUrl,
  directoryKeys = testDirectoryKeys,
  doors,
  uplinkLimits,
}: HostOptions): Promise<TestHost> {
  const entry = join(import.meta.dirname, doors === "platforms" ? "../../../edge/src/worker/entry.ts" : "entry.ts");
  const script = bundles.get(entry) ?? bundleWorker(entry);
  bundles.set(entry, script);
  const before = new Set(workerdsOf(process.pid));
  const lines: string[] = [];
  const running = await startLocalWorker({
    dataDir,
    natsWebsocketUrl: busUrl,
    natsUser: edgeUser.user,
    natsPassword: edgeUser.password,
    directoryKeys,
    script: await script,
    bindings: uplinkLimits ? { [limitsVariable]: JSON.stringify(uplinkLimits) } : {},
    log: (text) => void lines.push(...text.trimEnd().split("\n")),
  });
  const pid = workerdsOf(process.pid).find((each) => !before.has(each));
  // The tests' entry renames the spool's table.
  const storage = async (uplink: string, what: "break" | "mend") => {
    await fetch(`${running.url}/_uplink/${encodeURIComponent(uplink)}/${what}`);
  };
  return {
    url: running.url,
    lines,
    kill: async () => {
      if (pid === undefined) throw new Error("workerd was not found among our children");
      process.kill(pid, "SIGKILL");
      await running.stop().catch(() => {});
    },
    stop: () => running.stop(),
    breakStorage: (uplink) => storage(uplink, "break"),
    mendStorage: (uplink) => storage(uplink, "mend"),
  };
}

function workerdsOf(parent: number): number[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match && Number(match[2]) === parent && /workerd/.test(match[3] ?? "") ? [Number(match[1])] : [];
  });
}
