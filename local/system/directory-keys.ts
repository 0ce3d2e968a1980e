// The key that seals the edge's directory of a local system: made at the first start, kept in the data folder for its owner alone. Without
// it what the edge has stored would not open, so a file that is there is never replaced.
import { randomBytes } from "node:crypto";
import { chmod, link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";

export interface DirectoryKeys {
  file: string;
  /** As core's and the edge's configuration have them. */
  text: string;
}

/** Throws one line when the file is there and holds no keys. The folder must exist. */
export async function directoryKeysOf(dataDir: string): Promise<DirectoryKeys> {
  const file = join(dataDir, "directory-keys");
  const text = (await present(file)) ?? (await make(file));
  if (parseSealingKeys(text) === undefined)
    throw new Error(
      `${file} holds no keys (id:base64, 32 bytes): put back what it held, or remove it and the folder edge beside it`,
    );
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
