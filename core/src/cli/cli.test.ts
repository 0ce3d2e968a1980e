import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { type Ended, startMio } from "@mio/proving/kit/core/mio.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testSecretKeys } from "@mio/proving/kit/database/secrets.ts";
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import { Client } from "pg";
import { afterAll, expect, it } from "vitest";
import { provisionBus } from "../bus/provision.ts";

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const reached = { MIO_POSTGRES_DSN: database.dsn, MIO_SECRET_KEYS: testSecretKeys };

const command = startMio();
afterAll(() => command[Symbol.asyncDispose]());

/** `input` is what stands on standard input. */
function mio(words: string[], env: Record<string, string> = reached, input = ""): Promise<Ended> {
  return command.run(words, env, input);
}

/** The same in a process of its own, as a terminal starts it. */
async function started(words: string[], env: Record<string, string> = reached, input = ""): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  run.child.stdin?.on("error", () => undefined).end(input);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
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
    "cliq-shared-secret=-",
    "--setting",
    "bot_id=b-1",
  ];
  expect((await started(["tenant", "create", "acme"])).code).toBe(0);
  expect(JSON.parse((await started(["--json", "tenant", "create", "acme"])).stdout)).toMatchObject({
    slug: "acme",
    created: false,
  });

  const made = JSON.parse((await started(create, reached, "a=b\n")).stdout);
  expect(made).toMatchObject({ channel_type: "zoho_cliq", external_id: "org 1", settings: { bot_id: "b-1" }, created: true });
  expect(JSON.parse((await started(create, reached, "a=b")).stdout)).toMatchObject({ id: made.id, created: false });
  expect((await started(create, reached, "a=c")).stderr).toMatch(/exists with other details \(other verification secret/);
  expect((await started(["account", "list", "--tenant", "acme"])).stdout).toContain(made.id);
  expect(JSON.parse((await started(["account", "disable", made.id, "--json"])).stdout)).toMatchObject({ changed: true });
  expect(JSON.parse((await started(["account", "disable", made.id, "--json"])).stdout)).toMatchObject({ changed: false });
});

it("rotates a secret with an overlap; twice the same command changes nothing, and no secret is printed", async () => {
  const account = ["--tenant", "rotating", "--channel", "slack", "--external-id", "T1", "--verification", "slack-v0=-"];
  await mio(["tenant", "create", "rotating"]);
  const { id } = JSON.parse((await mio(["--json", "account", "create", ...account], reached, "first")).stdout);
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-cli-"));
  const file = join(folder.path, "secret");
  await writeFile(file, "sec=ond\n");
  const rotate = ["--json", "account", "rotate-secret", id, "--verification", `slack-v0=@${file}`, "--overlap", "24h"];
  const first = JSON.parse((await mio(rotate)).stdout);
  expect(first).toMatchObject({ account_id: id, changed: true, secrets: [{ scheme: "slack-v0", not_after: null }, {}] });
  expect((Date.parse(first.secrets[1].not_after) - Date.now()) / 3_600_000).toBeCloseTo(24, 1);
  expect(JSON.parse((await mio(rotate)).stdout)).toEqual({ ...first, changed: false });
  const people = await mio(rotate.slice(1));
  expect(people.stdout).toMatch(/^scheme +valid until\nslack-v0 +replaced\nslack-v0 +\d{4}-/);
  expect(people.stdout).not.toMatch(/first|sec=ond/);
});

it("moves an account, says for what the move waits, and moves it back", async () => {
  await mio(["tenant", "create", "moving"]);
  const account = [
    "--tenant",
    "moving",
    "--channel",
    "slack",
    "--external-id",
    "T7",
    "--verification",
    "slack-v0=-",
    "--region",
    "eu",
  ];
  const { id } = JSON.parse((await mio(["--json", "account", "create", ...account], reached, "s")).stdout);
  expect((await mio(["account", "show", id])).stdout).toMatch(/^layout +eu x 2$/m);
  for (const words of [[], ["--cancel", "--shards", "3"]])
    expect(await mio(["account", "move", id, ...words])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--region or --shards"),
    });
  expect(await mio(["account", "move", id, "--region", "E U"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("a region is like eu"),
  });
  const move = ["--json", "account", "move", id, "--region", "us", "--shards", "3"];
  const moved = { home_region: "us", shard_count: 3, move: { layout_version: 2, previous: [{ region: "eu", shard_count: 2 }] } };
  expect(JSON.parse((await mio(move)).stdout)).toMatchObject({ ...moved, changed: true });
  expect(JSON.parse((await mio(move)).stdout)).toMatchObject({ ...moved, changed: false });
  const db = new Client({ connectionString: database.dsn });
  await db.connect();
  await db.query("insert into account_edges (account_id, edge) values ($1, 'east')", [id]);
  await db.end();
  const shown = (await mio(["account", "show", id])).stdout;
  expect(shown).toMatch(/^layout +us x 3$/m);
  expect(shown).toMatch(/^moved +.*, not over$/m);
  expect(shown).toMatch(/^waits for +edge east, shards eu\.0 eu\.1$/m);
  expect(JSON.parse((await mio(["--json", "account", "move", id, "--cancel"])).stdout)).toMatchObject({
    home_region: "eu",
    shard_count: 2,
  });
  expect((await mio(["account", "list", "--tenant", "moving"])).stdout).toMatch(/eu x 2/);
});

it("G11: offers the channel that everybody has the key of to local systems only", async () => {
  const localOnly = 'there is no channel type "test"';
  const words = ["account", "create", "--tenant", "x", "--channel", "test", "--external-id", "1", "--verification", "a=-"];
  expect((await mio(words, reached, "b")).stderr).toContain(localOnly);
  expect((await mio(words, { ...reached, MIO_ENV: "staging" }, "b")).stderr).toContain(localOnly);
  expect((await mio(words, { ...reached, MIO_ENV: "local" }, "b")).stderr).not.toContain(localOnly);
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
      ["account", "create", "--tenant", "acme", "--channel", "fax", "--external-id", "1", "--verification", "a=-"],
      /there is no channel type "fax"/,
    ],
    [
      ["account", "create", "--tenant", "acme", "--channel", "slack", "--external-id", "1", "--verification", "secret"],
      /scheme=<source>/,
    ],
    [["account", "rotate-secret", "x"], /required option '--verification/],
    [["account", "rotate-secret", "x", "--verification", "a=b"], /takes no secret as an argument/],
    [["account", "rotate-secret", "x", "--verification", "a="], /there is no terminal to ask for a secret at/],
    [["account", "rotate-secret", "x", "--verification", "a=-"], /there is no account "x"/],
    [["account", "rotate-secret", "x", "--verification", "a=-", "--overlap", "1"], /a time is like 90s, 30m, 24h or 7d/],
    [["account", "rotate-secret", "x", "--verification", "a=-", "--overlap", "99d"], /an overlap is from 0s to 30d/],
  ];
  await Promise.all(
    bad.map(async ([words, expected]) => {
      const ended = await mio(words, reached, "b");
      expect(ended.stderr, words.join(" ")).toMatch(expected);
      expect(ended.stderr, words.join(" ")).toMatch(/^mio: /);
      expect(ended.stderr.trim().split("\n").length, ended.stderr).toBeLessThanOrEqual(2);
      expect(ended.code, words.join(" ")).not.toBe(0);
      expect(ended.stdout).toBe("");
    }),
  );
});

it("reaches the bus as the operator of a local system, and says so when it may not or finds no stream", async () => {
  await using server = await testNats({
    users: [
      { user: "operator", password: "right", permissions: permissionsOf({ role: "operator" }) },
      { user: "edge", password: "right", permissions: permissionsOf({ role: "edge" }) },
    ],
  });
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-cli-"));
  const list = async (password: string) => {
    const operator = { user: "operator", password, inbox_prefix: "_INBOX_operator" };
    const local = { postgres: database.dsn, core: "http://127.0.0.1:1", nats: server.url, operator };
    await writeFile(join(folder.path, "local.json"), JSON.stringify(local));
    return mio(["--data", folder.path, "quarantine", "list"], {});
  };
  expect((await list("wrong")).stderr).toMatch(/^mio: cannot reach the bus at .*authorization.*MIO_NATS_PASSWORD.*\n$/i);
  expect((await list("right")).stderr).toMatch(/^mio: the bus lacks a stream; .*\n$/);
  const nats = await connectTo(server.url, { user: "operator", pass: "right", inboxPrefix: "_INBOX_operator" });
  await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 2 * 1024 ** 3 });
  await nats.close();
  const env = { MIO_NATS_URL: server.url, MIO_NATS_USER: "edge", MIO_NATS_PASSWORD: "right" };
  expect((await mio(["quarantine", "list"], env)).stderr).toMatch(/^mio: the bus refuses this to its user; .*\n$/);
  expect(await list("right")).toEqual({ code: 0, stdout: "no entries match\n", stderr: "" });
});

it("says what an install lacks", async () => {
  const start = (env: Record<string, string>, ...more: string[]) =>
    mio(["install", "start", "--tenant", "acme", "--channel", "slack", ...more], { MIO_POSTGRES_DSN: database.dsn, ...env });
  const edge = { MIO_EDGE_URL: "https://edge.example" };
  expect((await start({})).stderr).toMatch(/^mio: MIO_EDGE_URL is no URL; set it like MIO_EDGE_URL=https:/);
  expect((await start({ MIO_EDGE_URL: "edge:8787" })).stderr).toMatch(/^mio: MIO_EDGE_URL is no URL/);
  expect((await start({ ...edge, MIO_OAUTH_APPS: "{]" })).stderr).toMatch(/^mio: MIO_OAUTH_APPS has no good value; set it like/);
  expect((await start(edge)).stderr).toMatch(/^mio: MIO_OAUTH_APPS has no app for slack; core needs the same/);
  expect((await start(edge, "--channel", "telegram")).stderr).toMatch(
    /^mio: the channel "telegram" connects no workspaces by OAuth/,
  );
  expect((await mio(["install", "show", "x"])).stderr).toMatch(/^mio: there is no install "x"; "mio install list" shows them/);
  expect((await mio(["install", "list"])).stdout).toBe('no installs yet; make one with "mio install start"\n');
});

it("starts an install, lists it and shows it, and prints no secret of the app", async () => {
  const app = { client_id: "1.2", client_secret: "of-the-app", verification: [{ scheme: "slack-v0", value: "of-the-app" }] };
  const env = {
    MIO_POSTGRES_DSN: database.dsn,
    MIO_EDGE_URL: "https://edge.example",
    MIO_OAUTH_APPS: JSON.stringify({ slack: app }),
  };
  expect((await mio(["tenant", "create", "installing"])).code).toBe(0);
  const started = await mio(["--json", "install", "start", "--tenant", "installing", "--channel", "slack"], env);
  const { install_id: id } = JSON.parse(started.stdout);
  const [list, show] = await Promise.all([
    mio(["--json", "install", "list", "--tenant", "installing"]),
    mio(["--json", "install", "show", id]),
  ]);
  expect(JSON.parse(list.stdout)).toMatchObject({ installs: [{ id, status: "waiting" }] });
  expect(JSON.parse(show.stdout)).toMatchObject({ id, status: "waiting" });
  expect(started.stdout + list.stdout + show.stdout).not.toContain("of-the-app");
});

it("says so when there is no Postgres, no core, no bus and no local system", async () => {
  const [noDatabase, noCore, noBus, nothing] = await Promise.all([
    mio(["tenant", "list"], { MIO_POSTGRES_DSN: "postgres://mio@127.0.0.1:1/mio" }),
    mio(["status"], { MIO_CORE_URL: "http://127.0.0.1:1" }),
    mio(["quarantine", "list"], { MIO_NATS_URL: "nats://127.0.0.1:1" }),
    mio(["--data", "/nonexistent", "tenant", "list"], {}),
  ]);
  expect(noDatabase.stderr).toMatch(/cannot reach Postgres at 127.0.0.1:1: .*MIO_POSTGRES_DSN/);
  expect(noCore.stderr).toMatch(/cannot reach core at 127.0.0.1:1: .*MIO_CORE_URL/);
  expect(noBus.stderr).toMatch(/cannot reach the bus at 127.0.0.1:1: .*MIO_NATS_URL/);
  expect(nothing.stderr).toMatch(/no local system runs in \/nonexistent; start one with "npm start"/);
  for (const url of ["x", "localhost:8080"])
    expect((await mio(["status"], { MIO_CORE_URL: url })).stderr).toMatch(
      /^mio: MIO_CORE_URL is no URL; set it like MIO_CORE_URL=http:/,
    );
  for (const ended of [noDatabase, noCore, noBus, nothing]) expect(ended.code).toBe(1);
});

it("shows help for every command", async () => {
  for (const words of [
    [],
    ["tenant"],
    ["account"],
    ["account", "create"],
    ["account", "rotate-secret"],
    ["install"],
    ["install", "start"],
    ["quarantine"],
    ["quarantine", "replay"],
    ["keys"],
    ["keys", "rotate"],
    ["audit"],
    ["audit", "verify"],
    ["status"],
    ["migrate"],
  ]) {
    const help = await mio([...words, "--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/^Usage: mio/);
  }
});
