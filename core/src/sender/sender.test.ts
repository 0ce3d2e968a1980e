// From command to receipt, with a real bus, a real database and a real platform: what is promised when nothing goes wrong, and when the input does.

import { randomBytes } from "node:crypto";
import { createStage, type Stage, states } from "@mio/proving/kit/sender/stage.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { encodeCommand } from "@mio/shared/bus/wire/envelope.ts";
import { type AccountId, conversationIdOf, messageIdOf, type SourceMessageId } from "@mio/shared/ids.ts";
import { afterEach, beforeEach, expect, it } from "vitest";

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

it("sends a command, tells that it was accepted with all that it said, and what became of it", async () => {
  const account = await stage.account("a");
  const command = stage.command(account, "general", "hello", { causeMessageId: "m1" });
  stage.start();
  await stage.publish(command);
  const finals = await stage.ended(1);
  const derived = messageIdOf(account.id, "general:p1" as SourceMessageId);
  expect(finals.get(command.id)).toMatchObject({
    id: `rcp:${command.id}:sent`,
    state: states.SENT,
    externalIds: ["p1"],
    messageIds: [derived],
    attempts: 1,
    causeMessageId: "m1",
    conversationExternalId: "general",
  });
  const [accepted] = await stage.receipts();
  expect(accepted).toMatchObject({ state: states.ACCEPTED, final: false, commandId: command.id, command });
  expect(stage.platform.shown.get("general")).toEqual([{ id: "p1", text: "hello" }]);
});

it("G5: gives each command of a burst of 5,000 exactly one final receipt, in order in each conversation", async () => {
  const accounts = [await stage.account("a"), await stage.account("b")] as const;
  const commands = Array.from({ length: 5_000 }, (_, index) =>
    stage.command(accounts[index % 2 === 0 ? 0 : 1], `c${index % 60}`, `${index}`),
  );
  // A call may take half a lease, and so many at once take long on a busy machine; nobody takes over here.
  stage.start({ env: { MIO_OWNERSHIP_CLAIM_AFTER_MS: "60000" } });
  await stage.publish(...commands);
  const finals = await stage.ended(5_000, 110_000);
  expect(finals.size).toBe(5_000);
  for (const command of commands) expect(finals.get(command.id)?.state).toBe(states.SENT);
  expect(stage.platform.calls.length).toBe(5_000);
  for (const [conversation, messages] of stage.platform.shown) {
    const numbers = messages.map(({ text }) => Number(text));
    expect(numbers, conversation).toEqual([...numbers].sort((a, b) => a - b));
  }
}, 120_000);

it("G6: keeps the first content of a command id, and counts a differing one", async () => {
  const account = await stage.account("a");
  const sender = stage.start();
  const command = stage.command(account, "general", "first");
  await stage.publish(command);
  await stage.ended(1);
  const subject = `mio.outbound.${command.channelType}.${command.accountId}.${command.conversationId}`;
  // Another message id, as from a program that has its own idea of it, so that the broker's window does not hide the repeat.
  await stage.publishRaw(subject, encodeCommand({ ...command, text: "second" }), "x1");
  await stage.publishRaw(subject, encodeCommand(command), "x2");
  const after = stage.command(account, "general", "after");
  await stage.publish(after);
  await stage.ended(2);
  expect(stage.platform.shown.get("general")?.map(({ text }) => text)).toEqual(["first", "after"]);
  expect(sender.context.sections.get("sender")?.()).toMatchObject({ intake: { differing: 1, dead: 0 } });
});

it("G5: ends what it cannot decode, of another version, at odds with its subject or under a taken id as failed, with a dead letter", async () => {
  const account = await stage.account("a");
  const other = await stage.account("b");
  stage.start();
  const good = stage.command(account, "general", "good");
  const subject = `mio.outbound.${good.channelType}.${good.accountId}.${good.conversationId}`;
  const bytes = encodeCommand(good);
  await stage.publish(good);
  await stage.publishRaw(subject, new TextEncoder().encode("no protobuf at all"), "out:garbage");
  const bare = await stage.publishRaw(subject, Uint8Array.of(0xff, 0xff, 0xff));
  await stage.publishRaw(subject, newerVersion(bytes), "out:newer");
  await stage.publishRaw(`mio.outbound.${good.channelType}.${other.id}.${good.conversationId}`, bytes, "out:elsewhere");
  await stage.publishRaw("mio.outbound.short", bytes, "out:short");
  await stage.publishRaw(subject, encodeCommand({ ...good, id: "" }), "out:idless");
  const conversationId = conversationIdOf(other.id, "x");
  const stolen = { ...good, accountId: other.id, conversationId };
  const taken = await stage.publishRaw(`mio.outbound.${good.channelType}.${other.id}.${conversationId}`, encodeCommand(stolen));
  const nul = stage.command(account, "general\0", "a\0b", { attributes: { k: "\0" } });
  await stage.publish(nul);
  // Too long for an index of the ledger: found out only when it is inserted, and then it must not stop the others.
  const long = { ...good, id: "long", conversationId: randomBytes(1_700).toString("hex") };
  const unstorable = await stage.publishRaw(
    `mio.outbound.${good.channelType}.${good.accountId}.${long.conversationId}`,
    encodeCommand(long),
  );
  const last = stage.command(account, "general", "last");
  await stage.publish(last);

  const finals = await stage.ended(11);
  const codes = Object.fromEntries([...finals].map(([id, receipt]) => [id, receipt.errorCode]));
  expect(codes).toEqual({
    [good.id]: "",
    "out:garbage": "undecodable",
    [`seq-${bare}`]: "undecodable",
    "out:newer": "schema_version",
    "out:elsewhere": "at_odds_with_subject",
    "out:short": "at_odds_with_subject",
    "out:idless": "id_invalid",
    [`seq-${taken}`]: "id_taken",
    [nul.id]: "",
    [`seq-${unstorable}`]: "not_storable",
    [last.id]: "",
  });
  expect(finals.get("out:short")).toMatchObject({ state: states.FAILED, channelType: "short", accountId: "unknown" });
  const letters = async () => (await (await stage.nats.jetstreamManager()).streams.info(streams.deadLetter.name)).state.messages;
  await eventually("eight letters", async () => (await letters()) === 8);
  expect(stage.platform.shown.get("general")?.map(({ text }) => text)).toEqual(["good", "last"]);
});

it("tells of a command that is as large as a message may be, without its content where that does not fit", async () => {
  const account = await stage.account("a");
  stage.start();
  const large = stage.command(account, "general", "x".repeat(1_048_200));
  await stage.publish(large);
  expect((await stage.ended(1)).get(large.id)?.state).toBe(states.SENT);
  const [accepted] = await stage.receipts();
  expect(accepted).toMatchObject({ commandId: large.id, state: states.ACCEPTED });
  expect(accepted?.command === undefined).toBe(true);
});

it("fails at once what can never be sent, with a reason", async () => {
  const account = await stage.account("a");
  const disabled = await stage.account("disabled");
  const mute = await stage.account("mute");
  await stage.db.query("update accounts set disabled_at = now() where id = $1", [disabled.id]);
  await stage.db.query("delete from account_secrets where account_id = $1 and purpose = 'credential'", [mute.id]);
  const foreign = await stage.account("foreign");
  await stage.db.query("update accounts set channel_type = 'unheard_of' where id = $1", [foreign.id]);
  const nobody = { ...account, id: "00000000-0000-4000-8000-000000000000" as AccountId };
  const expected: [ReturnType<Stage["command"]>, string][] = [
    [stage.command(account, "c", "unsendable"), "text_invalid"],
    [stage.command(account, "c", "fault"), "plan_fault"],
    [stage.command(account, "c", "x", { tenantId: "another" }), "tenant_mismatch"],
    [stage.command(account, "c", "x", { typing: true }), "typing_unsupported"],
    [stage.command(account, "c", "x", { editOfMessageId: "nothing" }), "edit_target_unknown"],
    [stage.command({ ...account, channel_type: "other" }, "c", "x"), "channel_mismatch"],
    [stage.command(disabled, "c", "x"), "account_disabled"],
    [stage.command(mute, "c", "x"), "credential_missing"],
    [stage.command(foreign, "c", "x"), "channel_unknown"],
    [stage.command(nobody, "c", "x"), "account_unknown"],
  ];
  stage.start();
  await stage.publish(...expected.map(([command]) => command));
  const finals = await stage.ended(expected.length);
  for (const [command, code] of expected)
    expect(finals.get(command.id)).toMatchObject({ state: states.FAILED, errorCode: code, attempts: 0 });
  expect(stage.platform.calls).toEqual([]);
});

/** schema_version is field 2, a varint: tag 0x10. */
function newerVersion(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = copy.findIndex((byte, index) => byte === 0x10 && copy[index + 1] === 1);
  copy[at + 1] = 2;
  return copy;
}
