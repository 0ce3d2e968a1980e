// Whether a process is still the one that we started: its id alone is not enough, for the system gives ids again. An identity is the id,
// the time at which the process started, and its command line.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  pid: number;
  /** Opaque; differs for two processes with one id. */
  startedAt: string;
  command: string;
}

/** Undefined when no such process runs (a zombie counts as ended). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return process.platform === "linux" ? identityFromProc(pid) : identityFromPs(pid);
}

export function commandLineOf(pid: number): string | undefined {
  return identityOf(pid)?.command;
}

/** Undefined when no such process runs. */
export function parentOf(pid: number): number | undefined {
  if (process.platform === "linux") {
    const parent = Number(statFields(pid)?.[1]);
    return Number.isInteger(parent) ? parent : undefined;
  }
  const { stdout } = spawnSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
  return /^\s*(\d+)\s*$/.test(stdout ?? "") ? Number(stdout) : undefined;
}

export function stillRuns(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== undefined && now.startedAt === identity.startedAt && now.command === identity.command;
}

function identityFromProc(pid: number): ProcessIdentity | undefined {
  try {
    const fields = statFields(pid);
    // The start time is the 22nd field.
    const startedAt = fields?.[19];
    if (fields?.[0] === "Z" || startedAt === undefined) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trimEnd();
    return { pid, startedAt, command };
  } catch {
    return undefined;
  }
}

/** From the third on, which is the state: the second is the name in parentheses and may hold anything. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function identityFromPs(pid: number): ProcessIdentity | undefined {
  const result = spawnSync("ps", ["-o", "stat=,lstart=,command=", "-p", String(pid)], { encoding: "utf8" });
  const match = /^(\S+)\s+(\S+ +\S+ +\S+ +\S+ +\S+)\s+(.*)$/.exec((result.stdout ?? "").trim());
  if (!match || match[1]?.startsWith("Z")) return undefined;
  return { pid, startedAt: match[2] ?? "", command: match[3] ?? "" };
}
