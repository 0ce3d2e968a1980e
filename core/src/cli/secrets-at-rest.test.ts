// Where a secret must not be found once an operator has given it: in any row of any table, in the files of the database and of its log, in an
// error, in core's own log at debug, and, while the command runs, in the list of processes.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { testContext } from "@mio/proving/kit/core/context.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets, testSecretKeys } from "@mio/proving/kit/database/secrets.ts";
import { Pool } from "pg";
import { pino } from "pino";
import { afterAll, expect, it, vi } from "vitest";
import { admin } from "../admin/service.ts";
import { provisionBus } from "../bus/provision.ts";
import { createSender } from "../sender/sender.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 4 });
db.on("error", () => {});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

/** Nothing else in the world has these. */
const secrets = Array.from({ length: 3 }, () => `distinct-${randomBytes(16).toString("hex")}`);
const [verification = "", credential = "", rotated = ""] = secrets;

/** As whoever searches may meet them. */
function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  // Base64 of what stands anywhere within something larger: without the ends, at each of three alignments.
  const encoded = [0, 1, 2].map((skip) => bytes.subarray(skip).toString("base64").slice(0, 36));
  return [bytes, Buffer.from(bytes.toString("hex")), ...encoded.map((each) => Buffer.from(each))];
}

/** Which secrets, by their number, stand in it. */
function found(content: Buffer | string): number[] {
  const buffer = Buffer.from(content);
  return secrets.flatMap((secret, index) => (formsOf(secret).some((form) => buffer.includes(form)) ? [index] : []));
}

interface Ran {
  code: number;
  output: string;
  /** The command lines of all processes, as they were seen again and again while it ran. */
  processes: string;
}

async function mio(words: string[], input: string): Promise<Ran> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    env: { PATH: process.env.PATH ?? "", MIO_POSTGRES_DSN: database.dsn, MIO_SECRET_KEYS: testSecretKeys, MIO_DEBUG: "1" },
  });
  const ended = once(child, "close");
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  let processes = "";
  while (child.exitCode === null) processes += await commandLines();
  const [code] = await ended;
  return { code: Number(code), output: (await output).join("\n"), processes };
}

/** Where there is no /proc, of none. */
async function commandLines(): Promise<string> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  await new Promise((resolve) => setImmediate(resolve));
  return lines.join("\n");
}

/** Every row of every table, as text; bytes are hex there. */
async function everyRow(): Promise<string> {
  const { rows: tables } = await db.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  expect(tables.length).toBeGreaterThan(10);
  const contents = tables.map(async ({ name }) => (await db.query<{ row: string }>(`select t::text as row from ${name} t`)).rows);
  return JSON.stringify(await Promise.all(contents));
}

/** The database's own files (tables, their overflow, indexes), what was written ahead of them, and the server's log. */
async function everyFile(): Promise<Buffer[]> {
  await db.query("checkpoint");
  const { rows } = await db.query<{ folder: string; oid: string }>(
    "select current_setting('data_directory') as folder, oid::text from pg_database where datname = current_database()",
  );
  const [{ folder, oid } = { folder: "", oid: "" }] = rows;
  const folders = [join(folder, "base", oid), join(folder, "pg_wal")];
  const names = (await Promise.all(folders.map(async (each) => (await readdir(each)).map((name) => join(each, name))))).flat();
  const contents = names.map((name) => readFile(name).catch(() => Buffer.alloc(0)));
  return [...(await Promise.all(contents)), await readFile(join(dirname(folder), "postgres.log"))];
}

it("G11: leaves a secret nowhere but sealed, from the command that gives it to the service that uses it", async () => {
  // The worst that an operator may have set: every statement with its parameters.
  const name = new URL(database.dsn).pathname.slice(1);
  await db.query(`alter database ${name} set log_statement = 'all'`);
  await db.query(`alter database ${name} set log_parameter_max_length_on_error = -1`);
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-secrets-"));
  const file = join(folder.path, "secret");
  await writeFile(file, `${verification}\n`, { mode: 0o600 });

  const create = (tenant: string) => {
    const account = ["--tenant", tenant, "--channel", "slack", "--external-id", "T1"];
    return mio(
      ["--json", "account", "create", ...account, "--verification", `slack-v0=@${file}`, "--credential", "-"],
      credential,
    );
  };
  const ran = [await mio(["tenant", "create", "acme"], ""), await mio(["tenant", "create", "rival"], ""), await create("acme")];
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
  const { id } = JSON.parse(ran[2]?.output ?? "");
  ran.push(await mio(["account", "rotate-secret", id, "--verification", "slack-v0=-"], `${rotated}\n`));
  // Refusals: the same workspace for another tenant, other secrets for the same account, a secret as an argument.
  ran.push(await create("rival"));
  await writeFile(file, credential);
  ran.push(await create("acme"));
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 0, 0, 1, 1]);
  expect((await openedSecrets(db)).map(({ value }) => value).sort()).toEqual([...secrets].sort());

  const logged: string[] = [];
  await using server = await testNats({});
  const nats = await connectTo(server.url);
  await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
  const log = pino({ level: "debug" }, { write: (line: string) => void logged.push(line) });
  const context = testContext({ nats, dsn: database.dsn, log });
  const running = [admin.run(context), createSender([]).run(context)];
  await vi.waitFor(() => expect(logged.join("")).toContain("directory published"), { timeout: 20_000 });
  context.stop();
  await Promise.all(running);
  const status = JSON.stringify([...context.sections.values()].map((read) => read()));
  await context[Symbol.asyncDispose]();
  await nats.close();

  expect(ran.map(({ output, processes }) => [found(output), found(processes)])).toEqual(ran.map(() => [[], []]));
  if (process.platform === "linux") expect(ran.every(({ processes }) => processes.includes("main.ts"))).toBe(true);
  expect(found(logged.join(""))).toEqual([]);
  expect(found(status)).toEqual([]);
  expect(found(await everyRow())).toEqual([]);
  const files = await everyFile();
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(found)).toEqual([]);

  // This search finds what is there.
  await db.query("create table plain (value text)");
  await db.query("insert into plain values ($1)", [credential]);
  expect(found(await everyRow())).toEqual([1]);
  expect(new Set((await everyFile()).flatMap(found))).toEqual(new Set([1]));
}, 120_000);

it("takes no secret as an argument, and does not say it again", async () => {
  const { code, output } = await mio(["account", "rotate-secret", "x", "--verification", `slack-v0=${rotated}`], "");
  expect([code, found(output)]).toEqual([1, []]);
  expect(output).toMatch(/takes no secret as an argument, where other users of this machine see it/);
});

it("does not say again what came with an option that the command does not have", async () => {
  for (const [word, name] of [
    [`--credential=${rotated}`, "--credential"],
    [`--credental=${rotated}`, "--credental"],
    [`-${rotated}`, "…"],
  ]) {
    const { code, output } = await mio(["account", "update", "x", word ?? ""], "");
    expect([code, found(output)]).toEqual([1, []]);
    expect(output).toContain(`mio: unknown option '${name}'`);
  }
});

it("does not say again what stands where no argument belongs", async () => {
  const { code, output } = await mio(["account", "rotate-secret", "x", "--verification", "slack-v0=-", rotated], "");
  expect([code, found(output)]).toEqual([1, []]);
  expect(output).toContain("mio: too many arguments for 'rotate-secret'. Expected 1 argument but got 2.");
});
