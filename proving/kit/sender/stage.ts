// Everything that the sender stands on, for real: a bus with its streams, a migrated database, the small platform, and accounts on it; and what
// an agent does, publishing commands and reading receipts.
import { randomBytes } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { insertAccount } from "@mio/core/accounts/accounts.ts";
import { provisionBus } from "@mio/core/bus/provision.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { inTransaction } from "@mio/core/db/in-transaction.ts";
import { type VerdictLimits, verdictLimits } from "@mio/core/sender/schedule/verdict.ts";
import { createSender } from "@mio/core/sender/sender.ts";
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import { type DeliveryReceipt, DeliveryReceipt_State } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { type SendCommand, SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { messageIdHeader, outboundMessageId } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { decodeReceipt, encodeCommand } from "@mio/shared/bus/wire/envelope.ts";
import { type AccountId, accountIdOf, conversationIdOf, type TenantId, tenantIdOf, ulidOf } from "@mio/shared/ids.ts";
import { Pool } from "pg";
import type { Logger } from "pino";
import { DeliverPolicy, headers, type NatsConnection, NatsError } from "../bus/client.ts";
import { testNats } from "../bus/nats.ts";
import { type TestContext, testContext } from "../core/context.ts";
import { testDatabase } from "../database/postgres.ts";
import { replaceCredential, testControl } from "../database/secrets.ts";
import { sampleChannel } from "../sample-channel/inbound.ts";
import { type DoorOptions, sampleOutbound } from "../sample-channel/outbound.ts";
import { type Platform, startPlatform } from "../sample-channel/platform.ts";
import { eventually } from "../time/eventually.ts";
import { connectAs, testUsers } from "./connection.ts";

export interface Account {
  id: AccountId;
  tenant_id: TenantId;
  channel_type: string;
}

export interface Stage extends AsyncDisposable {
  server: NatsServer;
  nats: NatsConnection;
  dsn: string;
  db: Pool;
  platform: Platform;
  account(name: string, ratePerSecond?: number): Promise<Account>;
  command(account: Account, conversation: string, text: string, rest?: MessageInitShape<typeof SendCommandSchema>): SendCommand;
  publish(...commands: SendCommand[]): Promise<void>;
  publishRaw(subject: string, data: Uint8Array, messageId?: string): Promise<number>;
  /** All receipts so far, in the order of the stream. */
  receipts(): Promise<DeliveryReceipt[]>;
  /** Final receipts by command id; fails when one has two. */
  finals(): Promise<Map<string, DeliveryReceipt>>;
  /** Waits until this many commands have ended. */
  ended(count: number, withinMs?: number): Promise<Map<string, DeliveryReceipt>>;
  stateOf(id: string): Promise<string | undefined>;
  /** A sender in this process, stopped with the stage at the latest. */
  start(options?: StartOptions): RunningSender;
}

interface StartOptions extends DoorOptions {
  checkpoint?: (name: string) => Promise<void>;
  limits?: Partial<VerdictLimits>;
  env?: Record<string, string>;
  log?: Logger;
}

interface RunningSender {
  context: TestContext;
  stop(): Promise<void>;
}

/** Long enough that a stall of a busy machine is no lapsed lease and no missed deadline. */
export const patientEnv = { MIO_OWNERSHIP_HEARTBEAT_MS: "500", MIO_OWNERSHIP_CLAIM_AFTER_MS: "5000" };

export async function createStage(options: { dsn?: string } = {}): Promise<Stage> {
  const database = options.dsn === undefined ? await testDatabase() : undefined;
  const dsn = options.dsn ?? database?.dsn ?? "";
  const server = await testNats({ users: testUsers });
  const nats = await connectAs("operator", server.url);
  // The sender has no more rights than core has.
  const coreNats = await connectAs("core", server.url);
  await provisionBus(nats, { streamReplicas: 1, streamBytesMax: 1024 ** 3 });
  const db = new Pool({ connectionString: dsn, max: 4 });
  db.on("error", () => {});
  const platform = await startPlatform();
  const tenantId = tenantIdOf("acme");
  await createTenant(testControl(db), "acme", "Acme");
  const jetstream = nats.jetstream();

  const received: DeliveryReceipt[] = [];
  let nextReceipt = 1;
  const running = new Set<RunningSender>();
  const stage: Stage = {
    start: ({ checkpoint, limits, env, log, ...door } = {}) => {
      const context = testContext({
        nats: coreNats,
        dsn,
        env: { ...patientEnv, ...env },
        ...(checkpoint ? { checkpoint } : {}),
        ...(log ? { log } : {}),
      });
      const done = createSender([sampleOutbound(door)], { limits: { ...verdictLimits, ...limits } }).run(context);
      const sender = {
        context,
        stop: async () => {
          context.stop();
          await done;
          if (running.delete(sender)) await context[Symbol.asyncDispose]();
        },
      };
      running.add(sender);
      return sender;
    },
    server,
    nats,
    dsn,
    db,
    platform,
    account: async (name, ratePerSecond) => {
      const id = accountIdOf(tenantId, sampleChannel, name);
      const settings = { api_base_url: platform.url };
      await inTransaction(db, (client) =>
        insertAccount(client, { id, tenantId, channelType: sampleChannel, externalId: name, settings, ratePerSecond }),
      );
      await replaceCredential(db, { id, tenant_id: tenantId }, name);
      return { id, tenant_id: tenantId, channel_type: sampleChannel };
    },
    command: (account, conversation, text, rest = {}) =>
      create(SendCommandSchema, {
        id: ulidOf(Date.now(), randomBytes(10)),
        schemaVersion: 1,
        tenantId: account.tenant_id,
        accountId: account.id,
        channelType: account.channel_type,
        conversationId: conversationIdOf(account.id, conversation),
        conversationExternalId: conversation,
        text,
        ...rest,
      }),
    publish: async (...commands) => {
      // In order, many in flight.
      for (let at = 0; at < commands.length; at += 500) {
        await Promise.all(
          commands.slice(at, at + 500).map((command) =>
            jetstream.publish(
              `mio.outbound.${command.channelType}.${command.accountId}.${command.conversationId}`,
              encodeCommand(command),
              {
                msgID: outboundMessageId(command.id),
              },
            ),
          ),
        );
      }
    },
    publishRaw: async (subject, data, messageId) => {
      const head = headers();
      if (messageId !== undefined) head.set(messageIdHeader, messageId);
      return (await jetstream.publish(subject, data, { headers: head })).seq;
    },
    receipts: async () => {
      const last = await lastReceipt(nats);
      if (nextReceipt > last) return received;
      const consumer = await jetstream.consumers.get(streams.receipt.name, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: nextReceipt,
      });
      const messages = await consumer.fetch({ max_messages: last - nextReceipt + 1, expires: 5_000 });
      for await (const message of messages) {
        const decoded = decodeReceipt(message.data);
        if (decoded.kind !== "receipt") throw new Error("a receipt that cannot be read");
        received.push(decoded.receipt);
        nextReceipt = message.seq + 1;
      }
      return received;
    },
    finals: async () => {
      const finals = new Map<string, DeliveryReceipt>();
      for (const receipt of await stage.receipts()) {
        if (finals.has(receipt.commandId)) throw new Error(`${receipt.commandId}: a receipt after the final one`);
        if (receipt.final) finals.set(receipt.commandId, receipt);
      }
      return finals;
    },
    ended: async (count, withinMs = 60_000) => {
      let finals = new Map<string, DeliveryReceipt>();
      await eventually(
        () => `${count} commands ended, and ${finals.size} have`,
        async () => {
          finals = await stage.finals().catch((error: unknown) => {
            // The bus is being restarted.
            if (error instanceof NatsError) return finals;
            throw error;
          });
          return finals.size >= count;
        },
        withinMs,
      );
      return finals;
    },
    stateOf: async (id) => {
      const found = await db.query<{ state: string }>("select state from sender_commands where id = $1", [id]);
      return found.rows[0]?.state;
    },
    [Symbol.asyncDispose]: async () => {
      for (const sender of running) sender.context.stop();
      for (const sender of running) await sender.stop();
      await platform[Symbol.asyncDispose]();
      await db.end();
      await coreNats.close();
      await nats.close();
      await server[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    },
  };
  return stage;
}

async function lastReceipt(nats: NatsConnection): Promise<number> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  return (await manager.streams.info(streams.receipt.name)).state.last_seq;
}

export const states = DeliveryReceipt_State;
