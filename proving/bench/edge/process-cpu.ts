// CPU time that another process has used, threads included, from Linux's own books: in steps of 10 ms.
import { readFileSync } from "node:fs";

const tickMs = 10;

/** Undefined where there is no /proc. */
export function cpuMsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold spaces; user and system time are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return undefined;
  }
}

/** Children of this process by the name of their program. */
export function childrenNamed(name: string): number[] {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
    return children.map(Number).filter((pid) => readFileSync(`/proc/${pid}/stat`, "utf8").includes(`(${name})`));
  } catch {
    return [];
  }
}
