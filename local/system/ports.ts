// Which port each part listens on: the one of the last run on this data folder, else the usual one (where that is wanted), else any free
// one. Kept, so that a warm start finds everything where it was.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { freePort } from "../servers/free-port.ts";

export type Ports = (name: string, usual: number) => Promise<number>;

const portsSchema = v.record(v.string(), v.number());

/** Systems that start at the same moment should not want the usual ports: between a look and the listening, another may take one. */
export async function choosePorts(dataDir: string, wanted: "usual" | "any"): Promise<Ports> {
  const file = join(dataDir, "ports.json");
  const before = await readFile(file, "utf8").then(
    (text) => v.parse(portsSchema, JSON.parse(text)),
    () => ({}) as Record<string, number>,
  );
  const chosen: Record<string, number> = {};
  return async (name, usual) => {
    const preferred = before[name] ?? (wanted === "usual" ? usual : undefined);
    const taken = preferred !== undefined && Object.values(chosen).includes(preferred);
    const port = await freePort(taken ? undefined : preferred);
    chosen[name] = port;
    await writeFile(file, JSON.stringify({ ...before, ...chosen }), { mode: 0o600 });
    return port;
  };
}
