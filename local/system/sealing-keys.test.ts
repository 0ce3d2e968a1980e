import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";
import { afterAll, expect, it } from "vitest";
import { directoryKeysOf, secretKeysOf } from "./sealing-keys.ts";

const folder = mkdtempSync(join(tmpdir(), "mio-keys-"));
const other = mkdtempSync(join(tmpdir(), "mio-keys-"));
afterAll(() => rmSync(other, { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("makes a key at the first start, for its owner alone, and finds it at the next", async () => {
  const [first, second] = await Promise.all([directoryKeysOf(folder), directoryKeysOf(folder)]);
  expect(parseSealingKeys(first.text)).toHaveLength(1);
  expect(second).toEqual(first);
  expect(await directoryKeysOf(folder)).toEqual(first);
  expect(statSync(first.file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["directory-keys"]);
});

it("takes keys that a person has written there, and replaces nothing that it does not understand", async () => {
  const { file, text } = await directoryKeysOf(folder);
  writeFileSync(file, `new:${text.split(":")[1]},${text}\n`, { mode: 0o644 });
  expect(parseSealingKeys((await directoryKeysOf(folder)).text)?.map(({ id }) => id)).toEqual(["new", "local-1"]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileSync(file, "not keys");
  await expect(directoryKeysOf(folder)).rejects.toThrow(/directory-keys holds no keys .*put back/);
  expect(readFileSync(file, "utf8")).toBe("not keys");
});

it("has a key of its own for secrets, and keeps it from others as well", async () => {
  const [secrets, directory] = await Promise.all([secretKeysOf(folder), directoryKeysOf(other)]);
  expect(secrets.text).not.toBe(directory.text);
  expect(await secretKeysOf(folder)).toEqual(secrets);
  expect(secrets.file).toBe(join(folder, "secret-keys"));
  expect(statSync(secrets.file).mode & 0o777).toBe(0o600);
});
