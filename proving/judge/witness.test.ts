// The witness must see all of a stream, also past the end of an earlier look: what it overlooks would be judged lost, or worse, not doubled.
import { create } from "@bufbuild/protobuf";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { encodeMessage, schemaVersion } from "@mio/shared/bus/wire/envelope.ts";
import { expect, it } from "vitest";
import { DiscardPolicy } from "../kit/bus/client.ts";
import { testNats } from "../kit/bus/nats.ts";
import { judge } from "./check.ts";
import { connectOperator, messageCount, StreamWitness } from "./witness.ts";

it("sees every message of a stream once, look after look, and what cannot be decoded as unknown", async () => {
  await using server = await testNats();
  const nats = await connectOperator({ url: server.url, user: "", password: "", inboxPrefix: "_INBOX_operator" });
  try {
    const jsm = await nats.jetstreamManager();
    await jsm.streams.add({ name: "MESSAGES_INBOUND", subjects: ["mio.inbound.>"], discard: DiscardPolicy.New });
    const js = nats.jetstream();
    const publish = async (from: number, to: number) => {
      for (let k = from; k <= to; k += 1) await js.publish("mio.inbound.slack.a.c", messageBytes(k));
    };
    const witness = new StreamWitness(nats, "MESSAGES_INBOUND");
    expect(await witness.look()).toEqual([]);
    await publish(1, 1_500);
    expect(await witness.look()).toHaveLength(1_500);
    await publish(1_501, 1_510);
    const seen = await witness.look();
    expect(await witness.look()).toHaveLength(1_510);
    expect(await messageCount(nats, "MESSAGES_INBOUND")).toBe(1_510);
    const sent = Array.from({ length: 1_510 }, (_, index) => ({ conversation: "c", k: index + 1, acknowledged: true }));
    expect(judge(sent, seen)).toEqual({ lost: [], doubled: [], outOfOrder: [], unknown: [] });

    await js.publish("mio.inbound.slack.a.c", new Uint8Array([255]));
    expect(judge(sent, await witness.look()).unknown).toEqual(["a message of another form at 1511"]);
  } finally {
    await nats.close();
  }
});

function messageBytes(k: number): Uint8Array {
  const scopes = { tenantId: "t", accountId: "a", channelType: "slack", conversationId: "c" };
  const message = { schemaVersion, ...scopes, id: `m${k}`, sourceMessageId: `s${k}`, text: `n:c:${k}` };
  return encodeMessage(create(MessageSchema, message));
}
