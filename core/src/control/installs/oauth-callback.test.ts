// What comes of a callback, against a real Postgres and a platform that a test plays: which codes are exchanged, how often, and what stays.

import { create } from "@bufbuild/protobuf";
import {
  type OAuthAnswer_Outcome,
  OAuthCallbackSchema,
  OAuthAnswer_Outcome as Outcome,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { openedSecrets, testControl } from "@mio/proving/kit/database/secrets.ts";
import type { Exchanged, OAuthGrant } from "@mio/shared/channels/contract/install.ts";
import { DeliveryError } from "@mio/shared/channels/contract/outbound.ts";
import { randomOf } from "@mio/shared/random.ts";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createAccount } from "../accounts/operation.ts";
import { createTenant } from "../tenants/operation.ts";
import { answerCallback } from "./oauth-callback.ts";
import { type ConnectingDoor, getInstall, listInstalls, startInstall } from "./operation.ts";

const database = await testDatabase();
const db = new Pool({ connectionString: database.dsn, max: 8 });
db.on("error", () => {});

let exchanged: OAuthGrant[];
let platform: (grant: OAuthGrant) => Promise<Exchanged>;
let count = 0;

const door: ConnectingDoor = {
  channel: { slug: "alpha" },
  authorizeUrl: (app, state, redirectUri) =>
    `https://alpha.example/agree?${new URLSearchParams({ client_id: app.clientId, state, redirect_uri: redirectUri })}`,
  exchange: (_app, grant) => {
    exchanged.push(grant);
    return platform(grant);
  },
};
const app = {
  clientId: "1",
  clientSecret: "2",
  scopes: [],
  settings: {},
  verification: [{ scheme: "hmac", value: "app-secret" }],
};
const noFetch = () => Promise.reject(new Error("nobody is fetched from here"));
const tools = { ...testControl(db), doors: [door], apps: new Map([["alpha", app]]), fetch: () => noFetch };

const workspace = (over: Partial<Extract<Exchanged, { kind: "connected" }>> = {}): Exchanged => ({
  kind: "connected",
  externalId: `W${count}`,
  displayName: "Zylker",
  credential: "token-1",
  settings: { bot: "b" },
  ...over,
});

beforeAll(async () => {
  await createTenant(testControl(db), "acme", "Acme");
});
beforeEach(() => {
  count += 1;
  exchanged = [];
  platform = async () => workspace();
});
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

async function start() {
  const random = randomOf(globalThis.crypto);
  const edgeUrl = "https://edge.example//";
  const started = await startInstall({ ...tools, random }, { tenant: "acme", channelType: "alpha", edgeUrl });
  const state = new URL(started.oauth_url).searchParams.get("state") ?? "";
  const say = async (over: { code?: string; error?: string; state?: string; channelType?: string }) => {
    const callback = create(OAuthCallbackSchema, { version: 1, channelType: "alpha", state, ...over });
    return (await answerCallback(tools, callback)).outcome;
  };
  return { id: started.install_id, started, say, show: () => getInstall(db, started.install_id) };
}

const secretsOf = async (accountId: string | null) =>
  (await openedSecrets(db, accountId ?? "")).map(
    ({ purpose, value, notAfter }) => `${purpose} ${value}${notAfter ? " ends" : ""}`,
  );

it("connects with the redirect address that the person was sent by, and gives the account the app's own verification", async () => {
  const { started, say, show } = await start();
  expect(started.redirect_uri).toBe("https://edge.example/oauth/alpha/callback");
  expect(await say({ code: "c1" })).toBe(Outcome.CONNECTED);
  expect(exchanged).toEqual([{ code: "c1", redirectUri: started.redirect_uri, parameters: {} }]);
  const install = await show();
  const names = { workspace_name: "Zylker", tenant_name: "Acme" };
  expect(install).toMatchObject({ status: "connected", ...names, receives: true, credential_ends_at: null });
  expect(await secretsOf(install.account_id)).toEqual(["credential token-1", "verification app-secret"]);
});

it("G11: uses a link up once, for one code, however many come at once", async () => {
  const { say } = await start();
  const codes = Array.from({ length: 6 }, (_, index) => `c${index}`);
  const outcomes = await Promise.all(codes.map((code) => say({ code })));
  expect(exchanged).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === Outcome.CONNECTED)).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === Outcome.USED)).toHaveLength(5);
  expect(await say({ error: "access_denied" })).toBe(Outcome.USED);
});

it("exchanges the same code once, and says the same again while the link lives", async () => {
  const { id, say } = await start();
  const gate = Promise.withResolvers<Exchanged>();
  platform = () => gate.promise;
  const first = say({ code: "c" });
  await expect.poll(() => exchanged.length).toBe(1);
  expect(await say({ code: "c" })).toBe(Outcome.IN_PROGRESS);
  gate.resolve(workspace());
  expect(await first).toBe(Outcome.CONNECTED);
  expect([await say({ code: "c" }), exchanged.length]).toEqual([Outcome.CONNECTED, 1]);
  await db.query("update installs set expires_at = now() where id = $1", [id]);
  expect(await say({ code: "c" })).toBe(Outcome.USED);
});

it("gives up an exchange that was cut off with its process, after half a minute", async () => {
  const { id, say, show } = await start();
  platform = () => new Promise(() => {});
  void say({ code: "c" });
  await expect.poll(() => exchanged.length).toBe(1);
  await db.query("update installs set used_at = now() - interval '31 seconds' where id = $1", [id]);
  expect([await say({ code: "c" }), exchanged.length]).toEqual([Outcome.REJECTED, 1]);
  expect((await show()).status).toBe("interrupted");
});

it("keeps the newest credential alone, what renews it apart, and a verification secret that an operator rotates", async () => {
  const first = await start();
  platform = async () => workspace({ refreshToken: "refresh-1", expiresInSeconds: 3_600 });
  await first.say({ code: "c1" });
  const { account_id: accountId, credential_ends_at: endsAt } = await first.show();
  expect(endsAt).toBeInstanceOf(Date);
  expect(await secretsOf(accountId)).toEqual(["credential token-1 ends", "refresh refresh-1", "verification app-secret"]);
  const ending =
    "update account_secrets set not_after = now() + interval '1 hour' where account_id = $1 and purpose = 'verification'";
  await db.query(ending, [accountId]);
  const second = await start();
  platform = async () => workspace({ credential: "token-2", settings: { more: "m" } });
  expect(await second.say({ code: "c2" })).toBe(Outcome.CONNECTED);
  expect(await secretsOf(accountId)).toEqual(["credential token-2", "verification app-secret ends"]);
  const { rows } = await db.query("select settings, display_name from accounts where id = $1", [accountId]);
  expect(rows).toEqual([{ settings: { bot: "b", more: "m" }, display_name: "Zylker" }]);
});

it("leaves a workspace with the tenant that has it, and changes nothing of it", async () => {
  await createTenant(testControl(db), "rival");
  const theirs = { tenant: "rival", channelType: "alpha", externalId: `W${count}`, credential: "theirs" };
  const { account } = await createAccount(testControl(db), { ...theirs, verification: [{ scheme: "hmac", value: "v" }] }, [
    "alpha",
  ]);
  const { say, show } = await start();
  expect(await say({ code: "c" })).toBe(Outcome.TAKEN);
  expect(await show()).toMatchObject({ status: "taken", reason: "another_tenant", account_id: null });
  expect(await say({ code: "c" })).toBe(Outcome.TAKEN);
  expect(await secretsOf(account.id)).toEqual(["credential theirs", "verification v"]);
});

it("connects one workspace once when two links come back with it at the same moment", async () => {
  const both = await Promise.all([start(), start()]);
  expect(await Promise.all(both.map(({ say }) => say({ code: "c" })))).toEqual([Outcome.CONNECTED, Outcome.CONNECTED]);
  const ids = await Promise.all(both.map(async ({ show }) => (await show()).account_id));
  expect(ids[0]).toBe(ids[1]);
  expect(await secretsOf(ids[0] ?? null)).toHaveLength(2);
});

it("lets the link be opened again when the platform could not be asked, whatever was thrown", async () => {
  const { say, show } = await start();
  for (const failure of [
    new DeliveryError("unavailable", "not_connected", "x"),
    new DeliveryError("unknown", "no_answer", "x"),
    new Error("x"),
  ]) {
    platform = () => Promise.reject(failure);
    expect([await say({ code: "c" }), (await show()).status]).toEqual([Outcome.UNAVAILABLE, "waiting"]);
  }
  platform = async () => workspace();
  expect(await say({ code: "another" })).toBe(Outcome.CONNECTED);
});

it("knows no state of another channel, of another shape, and none of what is not offered", async () => {
  const { say } = await start();
  const cases: [Parameters<typeof say>[0], OAuthAnswer_Outcome][] = [
    [{ code: "c", state: "A".repeat(43) }, Outcome.UNKNOWN],
    [{ code: "c", state: "' or true --" }, Outcome.UNKNOWN],
    [{ code: "c", state: "" }, Outcome.UNKNOWN],
    [{ error: "access_denied", state: "A".repeat(43) }, Outcome.UNKNOWN],
    [{ code: "c", channelType: "beta" }, Outcome.NOT_OFFERED],
    [{ error: "invalid_scope" }, Outcome.REJECTED],
    [{}, Outcome.REJECTED],
  ];
  for (const [over, outcome] of cases) expect([over, await say(over)]).toEqual([over, outcome]);
  const other = {
    ...tools,
    doors: [door, { ...door, channel: { slug: "gamma" } }],
    apps: new Map([...tools.apps, ["gamma", app]]),
  };
  const { started } = await start();
  const state = new URL(started.oauth_url).searchParams.get("state") ?? "";
  const callback = create(OAuthCallbackSchema, { version: 1, channelType: "gamma", state, code: "c" });
  expect((await answerCallback(other, callback)).outcome).toBe(Outcome.UNKNOWN);
  expect(exchanged).toEqual([]);
});

it("says what is missing when an install cannot be started, and lists what was", async () => {
  const random = randomOf(globalThis.crypto);
  const wanted = { tenant: "acme", channelType: "alpha", edgeUrl: "https://edge.example" };
  await expect(startInstall({ ...tools, random }, { ...wanted, tenant: "nobody" })).rejects.toThrow(/no tenant "nobody"/);
  await expect(startInstall({ ...tools, random }, { ...wanted, channelType: "fax" })).rejects.toThrow(
    /by OAuth; these do: alpha$/,
  );
  await expect(startInstall({ ...tools, random, apps: new Map() }, wanted)).rejects.toThrow(
    /MIO_OAUTH_APPS has no app for alpha/,
  );
  await expect(getInstall(db, "nobody")).rejects.toMatchObject({ code: "not_found" });
  const { id } = await start();
  expect((await listInstalls(db, "acme", 1)).map((each) => each.id)).toEqual([id]);
  expect(await listInstalls(db, "rival", 10)).toEqual([]);
});
