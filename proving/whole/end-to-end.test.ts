// The whole path, with every real part in its place: simulator → Worker in workerd → bus → Postgres → agent → sender → simulator, brought up by
// the one command that a person would use.
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { identityOf } from "@mio/local/servers/process-identity.ts";
import { type LocalSystem, readLocalFile } from "@mio/local/system/local-file.ts";
import { DeliveryReceipt_State } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectOperator, messageCount, readReceipts, StreamWitness } from "../judge/witness.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import { SimulatorClient } from "../kit/channels/simulator-client.ts";

const root = join(import.meta.dirname, "../..");
const channels = ["zoho_cliq", "slack", "telegram"] as const;
/** For what comes by and by. */
const within = { timeout: 30_000, interval: 100 };

let folder: string;
let starter: ChildProcess;
let system: LocalSystem;
let nats: NatsConnection;
let db: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mio-end-to-end-"));
  // Postgres runs as another user when we are root, and must be able to pass through.
  await chmod(folder, 0o711);
  const words = ["local/start.ts", "--json", "--any-ports", "--data", folder, "--channels", channels.join(",")];
  starter = spawn(process.execPath, words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  system = await systemOf(starter);
  const { user, password, inbox_prefix: inboxPrefix } = system.operator;
  nats = await connectOperator({ url: system.nats, user, password, inboxPrefix });
  db = new Client({ connectionString: system.postgres });
  // The database is stopped under it at the end.
  db.on("error", () => undefined);
  await db.connect();
}, 180_000);

afterAll(async () => {
  await db?.end();
  await nats?.close();
  await stopped(starter);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

describe.each(channels)("%s", (channel) => {
  it("G1, G2, G5: a question goes in by webhook, and a person sees “thinking…” edited into the answer", async () => {
    const simulator = simulatorOf(channel);
    const posted = await simulator.post({ conversation: "general", user: "ann", text: "what is a gateway?" });
    expect(posted.answer.status).toBe(200);
    expect(posted.answer.durationMs).toBeLessThan(3_000);

    const answer = await vi.waitFor(async () => {
      const [found, ...more] = (await simulator.messages("general")).filter((message) => message.bot);
      expect(more).toEqual([]);
      expect(found?.text).toContain("what is a gateway?");
      return found;
    }, within);
    expect(answer?.edits).toContain("thinking…");

    const accountId = accountOf(channel).account_id;
    const keys = await db.query("select source_message_id, published_at from ingress_keys where account_id = $1", [accountId]);
    expect(keys.rows).toMatchObject([{ published_at: expect.any(Date) }]);

    // One final receipt for what was sent, and one for its edit.
    await vi.waitFor(async () => {
      const final = (await readReceipts(nats)).filter((receipt) => receipt.final && receipt.accountId === accountId);
      expect(final.map((receipt) => receipt.state)).toEqual([DeliveryReceipt_State.SENT, DeliveryReceipt_State.SENT]);
      expect(new Set(final.map((receipt) => receipt.commandId)).size).toBe(2);
    }, within);
  });

  it("G3: the same webhook five times is one message on each stream, and one answer", async () => {
    const simulator = simulatorOf(channel);
    const { id } = await simulator.post({ conversation: "five-times", user: "ann", text: `five times on ${channel}` });
    const repeats = await Promise.all([1, 2, 3, 4].map(() => simulator.redeliver({ conversation: "five-times", id })));
    expect(repeats.map((repeat) => repeat.answer.status)).toEqual([200, 200, 200, 200]);
    await vi.waitFor(async () => {
      const answers = (await simulator.messages("five-times")).filter((message) => message.bot);
      expect(answers.map((answer) => answer.text)).toEqual([expect.stringContaining("five times")]);
    }, within);
    for (const stream of [streams.inbound.name, streams.enriched.name]) {
      const seen = await new StreamWitness(nats, stream).look();
      expect(seen.filter((message) => message.text === `five times on ${channel}`)).toHaveLength(1);
    }
  });

  it("G11: what is not signed, or signed wrongly, gets 401 and leaves nothing behind", async () => {
    const names = [streams.ingress.name, streams.inbound.name, streams.enriched.name, streams.quarantine.name];
    const counts = () => Promise.all(names.map((name) => messageCount(nats, name)));
    const before = await counts();
    const { webhook_url: url } = accountOf(channel);
    for (const headers of [{}, badSignatures]) {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ text: "let me in" }),
      });
      expect(response.status).toBe(401);
    }
    expect(await counts()).toEqual(before);
  });
});

it("G11: what is verified and not understood is answered 200, and kept in quarantine", async () => {
  const { webhook_url: url, secret } = accountOf("telegram");
  const before = await messageCount(nats, streams.quarantine.name);
  const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret };
  const response = await fetch(url, { method: "POST", headers, body: '{"update_id": "not a number"}' });
  expect(response.status).toBe(200);
  await vi.waitFor(async () => expect(await messageCount(nats, streams.quarantine.name)).toBe(before + 1), within);
});

it("G11: an account or a channel that nobody knows is 404", async () => {
  const body = "{}";
  for (const path of ["/webhooks/no-such-channel", "/webhooks/slack/00000000-0000-5000-8000-000000000000", "/nothing"]) {
    expect((await fetch(`${system.edge}${path}`, { method: "POST", body })).status).toBe(404);
  }
});

it("leaves no process behind when it is asked to stop", async () => {
  const pids = Object.values(system.pids);
  expect(await stopped(starter)).toBe(0);
  expect(pids.flatMap((pid) => identityOf(pid)?.command ?? [])).toEqual([]);
  expect(await readLocalFile(folder)).toBeUndefined();
});

/** What each platform would sign with, and none of it right. */
const badSignatures = {
  "x-slack-request-timestamp": String(Math.floor(Date.now() / 1000)),
  "x-slack-signature": `v0=${"0".repeat(64)}`,
  "x-telegram-bot-api-secret-token": "guessed",
  "x-webhook-timestamp": String(Math.floor(Date.now() / 1000)),
  "x-webhook-signature": `sha256=${"0".repeat(64)}`,
  "x-cliq-webhook-secret": "guessed",
};

function simulatorOf(channel: string): SimulatorClient {
  const url = system.simulators[channel];
  if (url === undefined) throw new Error(`there is no simulator of ${channel}`);
  return new SimulatorClient(channel, url);
}

function accountOf(channel: string): LocalSystem["accounts"][number] {
  const account = system.accounts.find((each) => each.channel_type === channel);
  if (!account) throw new Error(`there is no account of ${channel}`);
  return account;
}

/** The one line of --json means ready; local.json says the same. */
async function systemOf(child: ChildProcess): Promise<LocalSystem> {
  if (!child.stdout || !child.stderr) throw new Error("the starter has no pipes");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  const line = new Promise<string>((resolve) => createInterface({ input: child.stdout ?? process.stdin }).once("line", resolve));
  const ended = new Promise<never>((_resolve, reject) => child.once("exit", () => reject(new Error(`did not start: ${said}`))));
  const printed: unknown = JSON.parse(await Promise.race([line, ended]));
  const filed = await readLocalFile(folder);
  if (!filed) throw new Error("there is no local.json although the system is ready");
  expect(printed).toEqual(filed);
  return filed;
}

/** Its exit code, after SIGTERM. */
async function stopped(child: ChildProcess | undefined): Promise<number | null> {
  if (!child) return null;
  if (child.exitCode === null && child.signalCode === null) {
    const exit = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await exit;
  }
  return child.exitCode;
}
