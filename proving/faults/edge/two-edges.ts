// A second process on the data of the Node host: two uplinks of one conversation would lose its order, so it must not start.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mio/local/servers/free-port.ts";
import { startProcess } from "@mio/local/servers/managed-process.ts";
import type { Fault } from "../fault.ts";

const program = join(import.meta.dirname, "../../../edge/src/node/main.ts");
const tries = 3;
const endsWithinMs = 20_000;

export const twoEdges: Fault = {
  name: "two-edges",
  help: "a second Node host started on the first one's data, three times; it must be refused",
  onlyOn: "node",
  async run({ system, at, progress }) {
    const findings: string[] = [];
    const folder = await mkdtemp(join(tmpdir(), "mio-second-edge-"));
    const logFile = join(folder, "second-edge.log");
    let refused = 0;
    try {
      for (let time = 0; time < tries; time += 1) {
        await at((time + 0.5) / tries);
        const second = await startProcess({
          command: process.execPath,
          args: [program],
          logFile,
          env: {
            ...process.env,
            MIO_ENV: "local",
            EDGE_REGION: "local",
            NATS_URL: system.bus.url,
            // Some password and some key: it does not come as far as to use it.
            NATS_PASSWORD: "none",
            DIRECTORY_KEYS: `local-1:${Buffer.alloc(32, 1).toString("base64")}`,
            MIO_HTTP_HOST: "127.0.0.1",
            MIO_HTTP_PORT: String(await freePort()),
            MIO_DATA: join(system.dataDir, "edge"),
          },
        });
        const timer = setTimeout(() => void second.stop(0), endsWithinMs);
        const { code } = await second.exited;
        clearTimeout(timer);
        const said = (await readFile(logFile, "utf8")).trimEnd().split("\n").at(-1) ?? "";
        progress(`two-edges: the second ended with ${code}: ${said}`);
        if (code === 1 && said.includes("another process uses")) refused += 1;
        else findings.push(`the second edge ended with ${code} and said: ${said}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return { figures: { started: tries, refused }, findings };
  },
};
