// What a run costs in CPU, part by part, and what others took of the machine meanwhile: a figure made on a busy machine must say so. Read from
// /proc; where there is none, nothing is known.
import { readdir, readFile } from "node:fs/promises";

/** The clock ticks of /proc, which Linux fixes for programs at 100 a second. */
const tickMs = 10;

export interface CpuUse {
  /** CPU time of each part and its children, in milliseconds. */
  partsMs: Record<string, number>;
  /** CPU time of everything else on the machine, in milliseconds, and what there was in all. */
  othersMs: number;
  availableMs: number;
}

export interface CpuMeter {
  /** Since the meter was made; undefined where it cannot be known. A part that was restarted counts from its restart. */
  read(): Promise<CpuUse | undefined>;
}

/** `parts` gives the process of each part, as it is at the moment. */
export async function startCpuMeter(parts: () => Readonly<Record<string, number>>): Promise<CpuMeter> {
  const before = await snapshot();
  return {
    async read() {
      const after = await snapshot();
      if (!before || !after) return undefined;
      const partsMs: Record<string, number> = {};
      for (const [name, pid] of Object.entries(parts())) {
        const ticks = familyOf(pid, after).map(
          (each) => (after.processes.get(each)?.ticks ?? 0) - (before.processes.get(each)?.ticks ?? 0),
        );
        partsMs[name] = ticks.reduce((sum, each) => sum + each, 0) * tickMs;
      }
      const ours = Object.values(partsMs).reduce((sum, each) => sum + each, 0);
      return {
        partsMs,
        othersMs: Math.max(0, (after.busy - before.busy) * tickMs - ours),
        availableMs: (after.all - before.all) * tickMs,
      };
    },
  };
}

interface Snapshot {
  processes: Map<number, { parent: number; ticks: number }>;
  busy: number;
  all: number;
}

async function snapshot(): Promise<Snapshot | undefined> {
  const [total] = (await readFile("/proc/stat", "utf8").catch(() => "")).split("\n");
  if (!total) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, ...rest] = total.trim().split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + (rest[0] ?? 0) + (rest[1] ?? 0);
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The command's name stands in parentheses and may hold anything; after it: state, parent, …, utime and stime as 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields.length > 12)
      processes.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
  }
  return { processes, busy, all: busy + idle + waiting };
}

/** The process and all that it started, as far as they live. */
function familyOf(pid: number, { processes }: Snapshot): number[] {
  const children = [...processes].filter(([, { parent }]) => parent === pid).map(([child]) => child);
  // We are the parent of all parts; only what they have started counts with them.
  return pid === process.pid ? [pid] : [pid, ...children.flatMap((child) => familyOf(child, { processes, busy: 0, all: 0 }))];
}
