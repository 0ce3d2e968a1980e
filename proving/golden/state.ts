// The golden state as files: packed from the folder of a system that has stopped, and unpacked into one that can be started.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import * as v from "valibot";
import { type Expected, expectedSchema } from "./expected.ts";

const stateFolder = join(import.meta.dirname, "state");

/** By archive: what of the system's folder is in it. */
const archives = {
  "jetstream.tar.gz": "bus/jetstream",
  "spool-worker.tar.gz": "spool-worker",
  "spool-node.tar.gz": "spool-node",
  "platforms.tar.gz": "platforms",
};
/** What seals the directory, and what seals accounts' secrets; a state of before these were sealed has none of the latter. */
const keysFiles = ["directory-keys", "secret-keys"];

/** Takes the place of the present state. Nothing of the system may run. */
export async function pack(folder: string, dump: string, expected: Expected): Promise<void> {
  await rm(stateFolder, { recursive: true, force: true });
  await mkdir(stateFolder);
  for (const [archive, path] of Object.entries(archives)) {
    // An index into a write-ahead log, made anew by whoever opens the database.
    const words = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--exclude=*-shm", "-cf", "-", "-C", folder, path];
    const { status, stdout, stderr } = spawnSync("tar", words, { maxBuffer: 256 * 1024 ** 2 });
    if (status !== 0) throw new Error(`tar did not pack ${path}: ${stderr}`);
    await writeFile(join(stateFolder, archive), gzipSync(stdout, { level: 9 }));
  }
  await writeFile(join(stateFolder, "postgres.sql.gz"), gzipSync(dump, { level: 9 }));
  for (const file of keysFiles) await writeFile(join(stateFolder, file), await readFile(join(folder, file)));
  await writeFile(join(stateFolder, "expected.json"), `${JSON.stringify(expected, null, 1)}\n`);
}

/** Into a folder that a system can be started on; the dump is the caller's to load. */
export async function unpack(folder: string): Promise<{ expected: Expected; dump: string }> {
  for (const archive of Object.keys(archives)) {
    const input = gunzipSync(await readFile(join(stateFolder, archive)));
    const { status, stderr } = spawnSync("tar", ["--no-same-owner", "-xf", "-", "-C", folder], { input });
    if (status !== 0) throw new Error(`tar did not unpack ${archive}: ${stderr}`);
  }
  for (const path of Object.values(archives)) if (!existsSync(join(folder, path))) throw new Error(`the state holds no ${path}`);
  for (const file of keysFiles.filter((each) => existsSync(join(stateFolder, each))))
    await writeFile(join(folder, file), await readFile(join(stateFolder, file)), { mode: 0o600 });
  const expected = v.parse(expectedSchema, JSON.parse(await readFile(join(stateFolder, "expected.json"), "utf8")));
  return { expected, dump: gunzipSync(await readFile(join(stateFolder, "postgres.sql.gz"))).toString("utf8") };
}
