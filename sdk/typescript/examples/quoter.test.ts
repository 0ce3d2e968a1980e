// The front page's agent, run as it stands there: a program of its own, as its group's user of the bus.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { provisionBus } from "@mio/core/bus/provision.ts";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { busUserOf, permissionsOf } from "@mio/shared/bus/names/users.ts";
import { decodeCommand, encodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { type AccountId, conversationIdOf, messageIdOf, type SourceMessageId } from "@mio/shared/ids.ts";
import { expect, it } from "vitest";

const account = "22222222-2222-5222-8222-222222222222" as AccountId;
const agent = { role: "agent", name: "quoter", accounts: [account] } as const;

it("answers a message, replaces its answer, and stops when it is asked to", async () => {
  await using server = await testNats({
    users: [
      { user: "operator", password: "o" },
      { user: busUserOf(agent), password: "a", permissions: permissionsOf(agent) },
    ],
  });
  const operator = await connectTo(server.url, { user: "operator", pass: "o" });
  await provisionBus(operator, { streamReplicas: 1, streamBytesMax: 64 * 1024 ** 2 });

  const program = spawn(process.execPath, [join(import.meta.dirname, "quoter.ts"), server.url, account], {
    env: { ...process.env, MIO_NATS_USER: busUserOf(agent), MIO_NATS_PASSWORD: "a" },
    stdio: "inherit",
  });
  const ended = once(program, "exit");

  // Received a minute from now: the agent passes over what is older than its own start.
  const message = messageAt(Date.now() + 60_000);
  const { channelType, conversationId } = message;
  const subject = subjectOf({ direction: "inbound_enriched", channelType, accountId: account, conversationId });
  await operator.jetstream().publish(subject, encodeMessage(message));

  const manager = await operator.jetstreamManager();
  const said = async () => {
    const { messages, first_seq: first } = (await manager.streams.info(streams.outbound.name)).state;
    const stored = await Promise.all(
      Array.from({ length: messages }, (_, index) => manager.streams.getMessage(streams.outbound.name, { seq: first + index })),
    );
    return stored.map(({ data }) => {
      const decoded = decodeCommand(data);
      return decoded.kind === "command" ? decoded.command.text : decoded.kind;
    });
  };
  await expect.poll(said, { timeout: 30_000 }).toEqual(["thinking…", "You said hello"]);

  program.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
  await operator.close();
});

function messageAt(receivedAtMs: number) {
  const source = "general:1" as SourceMessageId;
  const conversationId = conversationIdOf(account, "general");
  return {
    ...create(MessageSchema, {
      id: messageIdOf(account, source),
      schemaVersion: 1,
      tenantId: "11111111-1111-5111-8111-111111111111",
      accountId: account,
      channelType: "test",
      conversationExternalId: "general",
      sourceMessageId: source,
      text: "hello",
      receivedAt: timestampFromMs(receivedAtMs),
    }),
    conversationId,
  };
}
