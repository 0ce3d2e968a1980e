// Who belongs to a data folder: the starter and every process that it started, written down before anything else happens, so that what a
// killed starter left behind is found and ended by the next one. A process counts as ours only when its start time and command line fit.
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { identityOf, type ProcessIdentity, stillRuns } from "../servers/process-identity.ts";

const identitySchema = v.object({ pid: v.number(), startedAt: v.string(), command: v.string() });
const registerSchema = v.object({ starter: identitySchema, parts: v.record(v.string(), identitySchema) });

export interface Register {
  /** What an earlier starter left running and was ended now: names and process ids. */
  ended: string[];
  /** True when an earlier starter did not stop in order, whether or not anything still ran. */
  takenOver: boolean;
  /** Writes a part's process down. */
  note(name: string, pid: number): void;
  /** Forgets everything: nothing runs any more. */
  close(): Promise<void>;
}

/** Guards of a killed starter give parts this long to end by themselves. */
const guardGraceMs = 6_000;

/** Takes the data folder for this process. Throws one line when a live starter has it, or when it cannot be written. */
export async function openRegister(dataDir: string): Promise<Register> {
  const file = join(dataDir, "processes.json");
  await makeWritable(dataDir);
  const before = await readRegister(file);
  if (before && stillRuns(before.starter)) {
    throw new Error(
      `a system runs on ${dataDir} already (process ${before.starter.pid}): stop it, or choose another folder with --data`,
    );
  }
  const ended = before ? await endAll(before.parts) : [];
  const starter = identityOf(process.pid);
  if (!starter)
    throw new Error(
      "this system does not show its processes (no /proc and no ps), so what is started could not be ended for certain",
    );
  const parts: Record<string, ProcessIdentity> = {};
  let writing = Promise.resolve();
  const save = () => {
    const text = JSON.stringify({ starter, parts }, null, 2);
    writing = writing.then(() => replace(file, text)).catch(() => undefined);
    return writing;
  };
  await save();
  return {
    ended,
    takenOver: before !== undefined,
    note: (name, pid) => {
      const identity = identityOf(pid);
      if (identity) parts[name] = identity;
      void save();
    },
    close: async () => {
      await writing;
      await rm(file, { force: true });
    },
  };
}

async function endAll(parts: Record<string, ProcessIdentity>): Promise<string[]> {
  const left = Object.entries(parts).filter(([, identity]) => stillRuns(identity));
  const deadline = performance.now() + guardGraceMs;
  const running = () => left.filter(([, identity]) => stillRuns(identity));
  for (const [, identity] of left) signal(identity.pid, "SIGTERM");
  for (const [, identity] of left) signal(identity.pid, "SIGCONT");
  while (running().length > 0 && performance.now() < deadline) await new Promise((wake) => setTimeout(wake, 50));
  for (const [, identity] of running()) signal(identity.pid, "SIGKILL");
  while (running().length > 0 && performance.now() < deadline + guardGraceMs) await new Promise((wake) => setTimeout(wake, 50));
  const [stubborn] = running();
  if (stubborn) throw new Error(`${stubborn[0]} of an earlier start (process ${stubborn[1].pid}) does not end: end it by hand`);
  return left.map(([name, identity]) => `${name} (${identity.pid})`);
}

/** The whole group of a part, for a part may have children of its own. */
function signal(pid: number, name: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, name);
    } catch {
      // Gone already, or no group leader.
    }
  }
}

async function readRegister(file: string): Promise<v.InferOutput<typeof registerSchema> | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return v.parse(registerSchema, JSON.parse(text));
  } catch {
    // Cut off while it was written, by a power cut: nothing of before can run.
    return undefined;
  }
}

async function makeWritable(dataDir: string): Promise<void> {
  try {
    // Postgres runs as another user when we are root, and must be able to pass through.
    await makeFolder(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
    const probe = join(dataDir, ".writable");
    await (await open(probe, "w")).close();
    await rm(probe);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`the data folder ${dataDir} cannot be written (${reason}): choose another with --data`, { cause: error });
  }
}

/** As `mkdir` with `recursive`, which goes round for ever where a folder exists and takes no children (/proc). */
async function makeFolder(folder: string, mode: number): Promise<void> {
  if (await isFolder(folder)) return;
  if (!(await isFolder(dirname(folder)))) await makeFolder(dirname(folder), mode);
  await mkdir(folder, { mode });
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
