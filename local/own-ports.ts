// Ports for a system that shares the machine with others, such as a test's or a fault run's: none of the usual ones, for while a part is
// dead another system could take its port, and everything would then talk to a stranger.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { simulatorKinds } from "@mio/shared/channels/simulators.ts";
import { freePort } from "./free-port.ts";

/** Notes free ports in the data folder before its first start; `choosePorts` then takes them as those of the last run. */
export async function giveOwnPorts(dataDir: string): Promise<void> {
  const simulators = simulatorKinds.map(({ channelType }) => `simulator_${channelType}`);
  const ports: Record<string, number> = {};
  for (const name of ["edge", "nats", "nats_websocket", "nats_monitor", "postgres", "core", ...simulators])
    ports[name] = await freePort();
  await writeFile(join(dataDir, "ports.json"), JSON.stringify(ports), { mode: 0o600 });
}
