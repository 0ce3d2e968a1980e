// A workspace is connected by its own people: `mio install start` → the platform's consent page → the edge → core → an account whose
// webhooks are accepted. With the Worker and the Node host as they ship, a real bus with each one's permissions, and a real Postgres.

import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { admin } from "@mio/core/admin/service.ts";
import { disableAccount } from "@mio/core/control/accounts/operation.ts";
import { rotateSecret } from "@mio/core/control/accounts/rotate-secret.ts";
import { getInstall, startInstall } from "@mio/core/control/installs/operation.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { type FetchServer, serveFetch } from "@mio/local/servers/serve-fetch.ts";
import { startLocalWorker } from "@mio/local/servers/worker.ts";
import { permissionsOf } from "@mio/shared/bus/names/users.ts";
import type { InstalledApp, Simulator } from "@mio/shared/channels/contract/simulator.ts";
import { installDoors } from "@mio/shared/channels/doors/install.ts";
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NatsConnection } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import { testDirectoryKeys } from "../kit/bus/directory-keys.ts";
import { type TestContext, testContext } from "../kit/core/context.ts";
import { testDatabase } from "../kit/database/postgres.ts";
import { openedSecrets, testControl } from "../kit/database/secrets.ts";
import { type EdgeBus, edgeBus, edgeUser } from "../kit/edge/bus.ts";
import { eventually } from "../kit/time/eventually.ts";

const root = join(import.meta.dirname, "../..");
const adminLogin = { user: "admin", password: "admin-password" };

interface Edge {
  url: string;
  stop(): Promise<unknown>;
}

const hosts: { name: string; start(bus: EdgeBus, dataDir: string): Promise<Edge> }[] = [
  {
    name: "the Worker",
    start: (bus, dataDir) =>
      startLocalWorker({
        dataDir,
        natsWebsocketUrl: bus.server.websocketUrl,
        natsUser: edgeUser.user,
        natsPassword: edgeUser.password,
        directoryKeys: testDirectoryKeys,
      }),
  },
  { name: "the Node host", start: startNode },
];

/** `signsWithApp`: webhooks are signed with a secret of the app, which therefore stands in its configuration. */
const platforms = [
  { channel: "slack", signsWithApp: true },
  { channel: "zoho_cliq", signsWithApp: false },
];

describe.each(hosts.flatMap((host) => platforms.map((platform) => ({ ...platform, host, at: host.name }))))(
  "$channel at $at",
  ({ channel, signsWithApp, host }) => {
    let bus: EdgeBus;
    let nats: NatsConnection;
    let database: Awaited<ReturnType<typeof testDatabase>>;
    let dataDir: string;
    let edge: Edge;
    let server: FetchServer;
    let simulator: Simulator;
    let apps: string;
    let core: TestContext;
    let running: Promise<void>;

    beforeAll(async () => {
      const { inboxPrefix, ...permissions } = permissionsOf({ role: "admin" });
      [bus, database, dataDir] = await Promise.all([
        edgeBus([{ ...adminLogin, permissions }]),
        testDatabase(),
        mkdtemp(join(tmpdir(), "mio-oauth-")),
      ]);
      edge = await host.start(bus, dataDir);
      server = await serveFetch(0, (request) => simulator.fetch(request));
      simulator = await simulatorOf(channel, server.url);
      const callback = `${edge.url}/oauth/${channel.replaceAll("_", "-")}/callback`;
      const webhooks = `${edge.url}/webhooks/${channel.replaceAll("_", "-")}`;
      const app = await control("developer_apps", { name: "mio", redirect_uri: callback, webhook_url: webhooks });
      apps = JSON.stringify({ [channel]: app });
      nats = await connectTo(bus.server.url, { user: adminLogin.user, pass: adminLogin.password, inboxPrefix });
      core = testContext({ nats, dsn: database.dsn, env: { MIO_OAUTH_APPS: apps, MIO_NATS_USER: adminLogin.user } });
      for (const tenant of ["acme", "rival"]) await createTenant(testControl(core.db), tenant, `The ${tenant} <b>people</b>`);
      running = admin.run(core);
    });

    afterAll(async () => {
      core?.stop();
      await running;
      await edge?.stop();
      await simulator?.close();
      await server?.[Symbol.asyncDispose]();
      await core?.[Symbol.asyncDispose]();
      await nats?.close();
      await bus?.[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    });

    async function control<T>(path: string, body?: unknown): Promise<T> {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${server.url}/_control/${path}`, init);
      expect(response.status, path).toBe(200);
      return response.json();
    }

    /** As the operator on the command line. */
    async function startByCommand(): Promise<Awaited<ReturnType<typeof start>>> {
      const env = {
        PATH: process.env.PATH ?? "",
        MIO_ENV: "local",
        MIO_POSTGRES_DSN: database.dsn,
        MIO_EDGE_URL: `${edge.url}/`,
        MIO_OAUTH_APPS: apps,
      };
      const words = ["--json", "install", "start", "--tenant", "acme", "--channel", channel.replaceAll("_", "-")];
      const { stdout } = await promisify(execFile)(process.execPath, [join(root, "core/src/cli/main.ts"), ...words], { env });
      return JSON.parse(stdout);
    }

    const start = (tenant = "acme") =>
      startInstall(
        { ...testControl(core.db), doors: installDoors, apps: core.config.oauthApps, random: core.random },
        { tenant, channelType: channel, edgeUrl: edge.url },
      );
    const show = (id: string) => getInstall(core.db, id);

    /** As the person's browser: the platform's page, her decision there, and the address that it sends her to. */
    async function decide(oauthUrl: string, decision: "allow" | "deny", workspace = "zylker"): Promise<string> {
      const form = await fetch(oauthUrl);
      expect([form.status, await form.text()]).toEqual([200, expect.stringContaining("<form")]);
      const body = new URLSearchParams({ workspace, decision });
      const sent = await fetch(oauthUrl, { method: "POST", body, redirect: "manual" });
      expect(sent.status).toBe(302);
      return sent.headers.get("location") ?? "";
    }

    /** What the page says, tags aside. */
    async function open(url: string) {
      const response = await fetch(url);
      const html = await response.text();
      const outcome = /<main data-outcome="([a-z_]+)">/.exec(html)?.[1];
      return { status: response.status, outcome, html };
    }

    const credentialsOf = async (accountId: string) =>
      (await openedSecrets(core.db, accountId)).filter(({ purpose }) => purpose === "credential").map(({ value }) => value);

    it("connects a workspace, whose webhooks are then accepted and whose token is kept", async () => {
      const { install_id, oauth_url, redirect_uri } = await startByCommand();
      const callback = await decide(oauth_url, "allow");
      expect(callback.startsWith(`${redirect_uri}?`)).toBe(true);
      const page = await open(callback);
      expect(page).toMatchObject({ status: 200, outcome: "connected" });
      expect(page.html).toContain("“zylker”");
      expect(page.html).toContain("The acme &#60;b&#62;people&#60;/b&#62;");

      const { status, account_id: accountId } = await show(install_id);
      expect(status).toBe("connected");
      const [installed] = await control<InstalledApp[]>("apps");
      expect(await credentialsOf(accountId ?? "")).toEqual([expect.any(String)]);
      const account = (await core.db.query("select * from accounts where id = $1", [accountId])).rows[0];
      expect(account).toMatchObject({ external_id: installed?.account.externalId, display_name: "zylker", disabled_at: null });
      expect((await show(install_id)).receives).toBe(signsWithApp);
      if (!signsWithApp) {
        const [secret] = installed?.account.secrets ?? [];
        await rotateSecret(
          testControl(core.db),
          accountId ?? "",
          { scheme: secret?.scheme ?? "", value: secret?.value ?? "" },
          0,
        );
      } else expect(await credentialsOf(accountId ?? "")).toEqual([installed?.account.credential]);

      await eventually("a webhook of the workspace is accepted for the account", async () => {
        const said = { app_id: installed?.appId, conversation: "general", user: "ann", text: "hello", wait: true };
        expect((await control<{ delivery: { status: number } }>("messages", said)).delivery.status).toBe(200);
        return (await bus.arrived()).some(({ event }) => event.accountId === accountId && event.body.case === "message");
      });
    });

    it("uses a link up once: the same code hears the same again, another code that it was used", async () => {
      const { install_id, oauth_url } = await start();
      const first = await decide(oauth_url, "allow", "once");
      const second = await decide(oauth_url, "allow", "once");
      // A scanner and the person at once, and a reload.
      const [one, other] = await Promise.all([open(first), open(first)]);
      expect([one.outcome, other.outcome].sort()[0]).toBe("connected");
      expect(["connected", "in_progress"]).toContain([one.outcome, other.outcome].sort()[1]);
      expect(await open(first)).toMatchObject({ status: 200, outcome: "connected" });
      expect(await open(second)).toMatchObject({ status: 410, outcome: "used" });
      await core.db.query("update installs set expires_at = now() where id = $1", [install_id]);
      expect(await open(first)).toMatchObject({ status: 410, outcome: "used" });
    });

    it("replaces the credential when the same workspace is connected again, and refuses another tenant's", async () => {
      const connected = async (tenant: string) => {
        const { install_id, oauth_url } = await start(tenant);
        return { ...(await open(await decide(oauth_url, "allow", "again"))), ...(await show(install_id)) };
      };
      const first = await connected("acme");
      const before = await credentialsOf(first.account_id ?? "");
      const second = await connected("acme");
      expect(second).toMatchObject({ outcome: "connected", account_id: first.account_id });
      const after = await credentialsOf(first.account_id ?? "");
      expect([after.length, after[0] === before[0]]).toEqual([1, false]);

      expect(await connected("rival")).toMatchObject({
        status: "taken",
        outcome: "taken",
        reason: "another_tenant",
        account_id: null,
      });
      expect(await credentialsOf(first.account_id ?? "")).toEqual(after);
    });

    it("says that the person did not agree, and lets her change her mind", async () => {
      const { install_id, oauth_url } = await start();
      expect(await open(await decide(oauth_url, "deny"))).toMatchObject({ status: 200, outcome: "denied" });
      expect((await show(install_id)).status).toBe("denied");
      expect(await open(await decide(oauth_url, "allow", "mind"))).toMatchObject({ outcome: "connected" });
      expect((await show(install_id)).status).toBe("connected");
    });

    it("says that a link has expired, or that nobody knows it", async () => {
      const { install_id, oauth_url } = await start();
      const callback = new URL(await decide(oauth_url, "allow", "late"));
      const stranger = new URL(callback);
      stranger.searchParams.set("state", "A".repeat(43));
      expect(await open(stranger.href)).toMatchObject({ status: 404, outcome: "unknown" });
      stranger.searchParams.delete("code");
      stranger.searchParams.set("error", "access_denied");
      expect(await open(stranger.href)).toMatchObject({ status: 404, outcome: "unknown" });
      await core.db.query("update installs set expires_at = now() where id = $1", [install_id]);
      expect(await open(callback.href)).toMatchObject({ status: 410, outcome: "expired" });
      expect((await show(install_id)).status).toBe("expired");
    });

    it("says that the platform refused a code, keeps why for the operator, and never exchanges it again", async () => {
      const { install_id, oauth_url } = await start();
      const callback = new URL(await decide(oauth_url, "allow", "forged"));
      const real = callback.href;
      callback.searchParams.set("code", "a-code-that-nobody-gave");
      expect(await open(callback.href)).toMatchObject({ status: 502, outcome: "rejected" });
      expect(await show(install_id)).toMatchObject({ status: "rejected", reason: "invalid_code", account_id: null });
      expect(await open(callback.href)).toMatchObject({ outcome: "rejected" });
      expect(await open(real)).toMatchObject({ outcome: "used" });
    });

    it("lets the link be opened again when the platform was away", async () => {
      const { install_id, oauth_url } = await start();
      const callback = await decide(oauth_url, "allow", "patient");
      await control("faults", { kind: "unavailable", count: 1 });
      expect(await open(callback)).toMatchObject({ status: 503, outcome: "unavailable" });
      expect((await show(install_id)).status).toBe("waiting");
      expect(await open(callback)).toMatchObject({ status: 200, outcome: "connected" });
    });

    it("does not connect a workspace whose account of this tenant is disabled", async () => {
      const { install_id, oauth_url } = await start();
      const callback = await decide(oauth_url, "allow", "closed");
      const first = await open(callback);
      expect(first.outcome).toBe("connected");
      await disableAccount(testControl(core.db), (await show(install_id)).account_id ?? "");
      const again = await start();
      expect(await open(await decide(again.oauth_url, "allow", "closed"))).toMatchObject({ status: 409, outcome: "taken" });
      expect(await show(again.install_id)).toMatchObject({ status: "taken", reason: "account_disabled" });
    });

    it("keeps neither state nor code nor secret of the app in the database's installs", async () => {
      const { oauth_url } = await start();
      const callback = new URL(await decide(oauth_url, "allow", "kept"));
      await open(callback.href);
      const rows = JSON.stringify((await core.db.query("select installs::text from installs")).rows);
      for (const name of ["state", "code"]) expect(rows).not.toContain(callback.searchParams.get(name));
    });
  },
);

async function simulatorOf(channel: string, baseUrl: string): Promise<Simulator> {
  const kind = simulatorKinds.find((each) => each.channelType === channel);
  if (!kind) throw new Error(`there is no simulator of ${channel}`);
  return kind.create({
    baseUrl,
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
    fetch: (url, init) => fetch(url, init),
    load: async () => undefined,
    save: async () => undefined,
  });
}

async function startNode(bus: EdgeBus, dataDir: string): Promise<Edge> {
  const child = fork(join(root, "edge/src/node/main.ts"), [], {
    env: {
      MIO_ENV: "local",
      EDGE_REGION: "local",
      NATS_URL: bus.server.url,
      NATS_USER: edgeUser.user,
      NATS_PASSWORD: edgeUser.password,
      DIRECTORY_KEYS: testDirectoryKeys,
      MIO_HTTP_HOST: "127.0.0.1",
      MIO_HTTP_PORT: "0",
      MIO_DATA: dataDir,
    },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [{ url }] = await once(child, "message");
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
