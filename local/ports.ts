// Which port each part listens on: the one of the last run on this data folder, else the usual one, else any free one. Kept, so that a warm
// start finds everything where it was.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { freePort } from "./free-port.ts";

export type Ports = (name: string, usual: number) => Promise<number>;

const portsSchema = v.record(v.string(), v.number());

export async function choosePorts(dataDir: string): Promise<Ports> {
  const file = join(dataDir, "ports.json");
  const before = await readFile(file, "utf8").then(
    (text) => v.parse(portsSchema, JSON.parse(text)),
    () => ({}) as Record<string, number>,
  );
  const chosen: Record<string, number> = {};
  return async (name, usual) => {
    const wanted = before[name] ?? usual;
    const port = await freePort(Object.values(chosen).includes(wanted) ? undefined : wanted);
    chosen[name] = port;
    await writeFile(file, JSON.stringify({ ...before, ...chosen }), { mode: 0o600 });
    return port;
  };
}
