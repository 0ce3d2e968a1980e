import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { expect, it } from "vitest";
import { editCommand, replyCommand } from "./command.ts";

const message = create(MessageSchema, {
  id: "3c0ad9a3-6f0c-5f1e-8e52-4b3a4f9f8b2e",
  schemaVersion: 1,
  tenantId: "11111111-1111-5111-8111-111111111111",
  accountId: "22222222-2222-5222-8222-222222222222",
  channelType: "test",
  conversationId: "33333333-3333-5333-8333-333333333333",
  conversationExternalId: "general",
  sourceMessageId: "general:1",
  receivedAt: timestampFromMs(1_700_000_000_000),
  attributes: { channel_specific: "1" },
});

it("G6: makes the same command ids when the same message is handled again", () => {
  const first = [0, 1].map((index) => replyCommand("agent", message, index, { text: "hello" }).id);
  const again = [0, 1].map((index) => replyCommand("agent", message, index, { text: "another text" }).id);
  expect(again).toEqual(first);
  expect(new Set(first).size).toBe(2);
  for (const id of first) expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
});

it("G6: makes other command ids for another group, message or place in the handling", () => {
  const ids = [
    replyCommand("agent", message, 0, { text: "" }).id,
    replyCommand("other", message, 0, { text: "" }).id,
    replyCommand("agent", { ...message, id: "4c0ad9a3-6f0c-5f1e-8e52-4b3a4f9f8b2e" }, 0, { text: "" }).id,
    replyCommand("agent", message, 1, { text: "" }).id,
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

it("answers where the message stands, and names what it answers and edits", () => {
  const reply = replyCommand("agent", message, 0, { text: "hello" });
  expect(reply).toMatchObject({
    conversationExternalId: "general",
    causeMessageId: message.id,
    attributes: { channel_specific: "1" },
  });
  expect(reply.relation?.targetExternalId).toBe("general:1");
  expect(editCommand("agent", message, 1, reply, { text: "more" })).toMatchObject({ editOfMessageId: reply.id, text: "more" });
});
