// The keys of a local system, one for the edge's directory and another for the secrets in its database: made at the first start, kept in the data
// folder for its owner alone. Without them what is stored would not open, so a file that is there is never replaced.
import { randomBytes } from "node:crypto";
import { chmod, link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";

export interface SealingKeys {
  file: string;
  /** As core's and the edge's configuration have them. */
  text: string;
}

/** What seals the directory. Throws one line when the file is there and holds no keys. The folder must exist. */
export function directoryKeysOf(dataDir: string): Promise<SealingKeys> {
  return keysIn(join(dataDir, "directory-keys"), "or remove it and the folder edge beside it");
}

/** What seals accounts' secrets in the database. As `directoryKeysOf`. */
export function secretKeysOf(dataDir: string): Promise<SealingKeys> {
  return keysIn(join(dataDir, "secret-keys"), "or remove it and the folder postgres beside it, and begin anew");
}

async function keysIn(file: string, otherwise: string): Promise<SealingKeys> {
  const text = (await present(file)) ?? (await make(file));
  if (parseSealingKeys(text) === undefined)
    throw new Error(`${file} holds no keys (id:base64, 32 bytes): put back what it held, ${otherwise}`);
  await chmod(file, 0o600);
  return { file, text };
}

async function make(file: string): Promise<string> {
  const text = `local-1:${randomBytes(32).toString("base64")}`;
  // Whole or not at all, and never over one that somebody else has just made.
  const fresh = `${file}.${randomBytes(4).toString("hex")}.new`;
  await writeFile(fresh, `${text}\n`, { mode: 0o600, flush: true });
  try {
    await link(fresh, file);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  return (await present(file)) ?? text;
}

async function present(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
