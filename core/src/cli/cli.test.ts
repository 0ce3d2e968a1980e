import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { testDatabase } from "@mio/local/testing/postgres.ts";
import { afterAll, expect, it } from "vitest";

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function mio(words: string[], env: Record<string, string> = { MIO_POSTGRES_DSN: database.dsn }): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      stdout: error.stdout,
      stderr: error.stderr,
    }),
  );
}

it("creates a tenant and an account, lists them, disables one; twice the same command changes nothing", async () => {
  const create = [
    "--json",
    "account",
    "create",
    "--tenant",
    "acme",
    "--channel",
    "zoho-cliq",
    "--external-id",
    "org 1",
    "--verification",
    "cliq-shared-secret=a=b",
    "--setting",
    "bot_id=b-1",
  ];
  expect((await mio(["tenant", "create", "acme"])).code).toBe(0);
  expect(JSON.parse((await mio(["--json", "tenant", "create", "acme"])).stdout)).toMatchObject({ slug: "acme", created: false });

  const made = JSON.parse((await mio(create)).stdout);
  expect(made).toMatchObject({ channel_type: "zoho_cliq", external_id: "org 1", settings: { bot_id: "b-1" }, created: true });
  expect(JSON.parse((await mio(create)).stdout)).toMatchObject({ id: made.id, created: false });
  expect((await mio(["account", "list", "--tenant", "acme"])).stdout).toContain(made.id);
  expect(JSON.parse((await mio(["account", "disable", made.id, "--json"])).stdout)).toMatchObject({ changed: true });
  expect(JSON.parse((await mio(["account", "disable", made.id, "--json"])).stdout)).toMatchObject({ changed: false });
});

it("rotates a secret with an overlap; twice the same command changes nothing, and no secret is printed", async () => {
  const account = ["--tenant", "rotating", "--channel", "slack", "--external-id", "T1", "--verification", "slack-v0=first"];
  await mio(["tenant", "create", "rotating"]);
  const { id } = JSON.parse((await mio(["--json", "account", "create", ...account])).stdout);
  const rotate = ["--json", "account", "rotate-secret", id, "--verification", "slack-v0=sec=ond", "--overlap", "24h"];
  const first = JSON.parse((await mio(rotate)).stdout);
  expect(first).toMatchObject({ account_id: id, changed: true, secrets: [{ scheme: "slack-v0", not_after: null }, {}] });
  expect((Date.parse(first.secrets[1].not_after) - Date.now()) / 3_600_000).toBeCloseTo(24, 1);
  expect(JSON.parse((await mio(rotate)).stdout)).toEqual({ ...first, changed: false });
  const people = await mio(rotate.slice(1));
  expect(people.stdout).toMatch(/^scheme +valid until\nslack-v0 +it is replaced\nslack-v0 +\d{4}-/);
  expect(people.stdout).not.toMatch(/first|sec=ond/);
});

it("G11: offers the channel that everybody has the key of to local systems only", async () => {
  const localOnly = 'there is no channel type "test"';
  const words = ["account", "create", "--tenant", "x", "--channel", "test", "--external-id", "1", "--verification", "a=b"];
  const dsn = { MIO_POSTGRES_DSN: database.dsn };
  expect((await mio(words)).stderr).toContain(localOnly);
  expect((await mio(words, { ...dsn, MIO_ENV: "staging" })).stderr).toContain(localOnly);
  expect((await mio(words, { ...dsn, MIO_ENV: "local" })).stderr).not.toContain(localOnly);
});

it("says in one line what to do about words that it does not know, and ends with another code than 0", async () => {
  const bad: [string[], RegExp][] = [
    [["tenants"], /unknown command 'tenants'/],
    [["tenant", "make"], /unknown command 'make'/],
    [["tenant", "create"], /missing required argument 'slug'/],
    [["tenant", "create", "Ümlaut"], /no tenant slug; use/],
    [["tenant", "list", "--verbose"], /unknown option '--verbose'/],
    [["account", "create", "--tenant", "acme"], /required option '--channel/],
    [["account", "disable", "nobody"], /there is no account "nobody"; "mio account list"/],
    [["account", "list", "--tenant", "nobody"], /there is no tenant "nobody"; "mio tenant list"/],
    [
      ["account", "create", "--tenant", "acme", "--channel", "fax", "--external-id", "1", "--verification", "a=b"],
      /there is no channel type "fax"/,
    ],
    [
      ["account", "create", "--tenant", "acme", "--channel", "slack", "--external-id", "1", "--verification", "secret"],
      /scheme=secret/,
    ],
    [["account", "rotate-secret", "x"], /required option '--verification/],
    [["account", "rotate-secret", "x", "--verification", "a=b"], /there is no account "x"/],
    [["account", "rotate-secret", "x", "--verification", "a=b", "--overlap", "1"], /a time is like 90s, 30m, 24h or 7d/],
    [["account", "rotate-secret", "x", "--verification", "a=b", "--overlap", "99d"], /an overlap is from 0s to 30d/],
  ];
  await Promise.all(
    bad.map(async ([words, expected]) => {
      const ended = await mio(words);
      expect(ended.stderr, words.join(" ")).toMatch(expected);
      expect(ended.stderr, words.join(" ")).toMatch(/^mio: /);
      expect(ended.stderr.trim().split("\n").length, ended.stderr).toBeLessThanOrEqual(2);
      expect(ended.code, words.join(" ")).not.toBe(0);
      expect(ended.stdout).toBe("");
    }),
  );
});

it("says so when there is no Postgres, no core and no local system", async () => {
  const [noDatabase, noCore, nothing] = await Promise.all([
    mio(["tenant", "list"], { MIO_POSTGRES_DSN: "postgres://mio@127.0.0.1:1/mio" }),
    mio(["status"], { MIO_CORE_URL: "http://127.0.0.1:1" }),
    mio(["--data", "/nonexistent", "tenant", "list"], {}),
  ]);
  expect(noDatabase.stderr).toMatch(/cannot reach Postgres at 127.0.0.1:1: .*MIO_POSTGRES_DSN/);
  expect(noCore.stderr).toMatch(/cannot reach core at 127.0.0.1:1: .*MIO_CORE_URL/);
  expect(nothing.stderr).toMatch(/no local system runs in \/nonexistent; start one with "npm start"/);
  for (const url of ["x", "localhost:8080"])
    expect((await mio(["status"], { MIO_CORE_URL: url })).stderr).toMatch(
      /^mio: MIO_CORE_URL is no URL; set it like MIO_CORE_URL=http:/,
    );
  for (const ended of [noDatabase, noCore, nothing]) expect(ended.code).toBe(1);
});

it("shows help for every command", async () => {
  for (const words of [
    [],
    ["tenant"],
    ["account"],
    ["account", "create"],
    ["account", "rotate-secret"],
    ["status"],
    ["migrate"],
  ]) {
    const help = await mio([...words, "--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/^Usage: mio/);
  }
});
