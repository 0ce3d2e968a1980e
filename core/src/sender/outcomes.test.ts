// What becomes of a command when the platform is away, rude, silent or says no; and what its author may still say about it.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { replaceCredential } from "@mio/proving/kit/database/secrets.ts";
import type { Behaviour, Call } from "@mio/proving/kit/sample-channel/platform.ts";
import { createStage, type Stage, states } from "@mio/proving/kit/sender/stage.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

// Real servers on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const quick = { backoff: { startMs: 20, maxMs: 100 } };

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

/** Behaves so for the first n calls of a text, then answers. */
function firstCalls(text: string, count: number, behaviour: Behaviour): void {
  let left = count;
  stage.platform.behave = (call: Omit<Call, "status">) => (call.text === text && left-- > 0 ? behaviour : { kind: "answer" });
}

it("G6: an answer that is lost ends as unknown, is not sent again, and the conversation goes on", async () => {
  const account = await stage.account("a");
  firstCalls("lost", 1, { kind: "answer_lost" });
  const lost = stage.command(account, "general", "lost");
  const next = stage.command(account, "general", "next");
  const edit = stage.command(account, "general", "edit", { editOfMessageId: lost.id });
  stage.start({ env: { MIO_OWNERSHIP_CLAIM_AFTER_MS: "1500" } });
  await stage.publish(lost, next, edit);
  const finals = await stage.ended(3);
  expect(finals.get(lost.id)).toMatchObject({ state: states.UNKNOWN, errorCode: "no_answer", attempts: 1 });
  expect(finals.get(next.id)?.state).toBe(states.SENT);
  expect(finals.get(edit.id)).toMatchObject({ state: states.FAILED, errorCode: "edit_target_unresolved" });
  expect(stage.platform.shown.get("general")?.map(({ text }) => text)).toEqual(["lost", "next"]);
});

it("G6: where the platform knows our key, a lost answer is asked for again and the message is seen once", async () => {
  const account = await stage.account("a");
  firstCalls("lost", 2, { kind: "reset" });
  const reset = stage.command(account, "general", "lost");
  stage.start({ grade: "exactly_once", limits: quick });
  await stage.publish(reset);
  const finals = await stage.ended(1);
  expect(finals.get(reset.id)).toMatchObject({ state: states.SENT, attempts: 3 });
  expect(stage.platform.shown.get("general")?.length).toBe(1);
});

it("tries again while the platform says that it is away, and fails for good when it says no", async () => {
  const account = await stage.account("a");
  firstCalls("away", 3, { kind: "status", status: 503 });
  const away = stage.command(account, "general", "away");
  stage.start({ limits: quick });
  await stage.publish(away);
  expect((await stage.ended(1)).get(away.id)).toMatchObject({ state: states.SENT, attempts: 4 });
  firstCalls("no", 1, { kind: "status", status: 400 });
  const no = stage.command(account, "general", "no");
  await stage.publish(no);
  expect((await stage.ended(2)).get(no.id)).toMatchObject({ state: states.FAILED, errorCode: "refused", attempts: 1 });
});

it("G5: ends in exactly one final receipt, whichever end it is: sent, failed, expired, cancelled or unknown", async () => {
  const account = await stage.account("a");
  const later = timestampFromMs(Date.now() + 3_600_000);
  const ends = {
    [states.SENT]: stage.command(account, "one", "fine"),
    [states.FAILED]: stage.command(account, "two", "unsendable"),
    [states.EXPIRED]: stage.command(account, "three", "old", { expiresAt: timestampFromMs(1) }),
    [states.CANCELLED]: stage.command(account, "four", "never", { notBefore: later }),
    [states.UNKNOWN]: stage.command(account, "five", "lost"),
  };
  const cancel = stage.command(account, "four", "", { cancelOf: ends[states.CANCELLED].id });
  firstCalls("lost", 1, { kind: "reset" });
  stage.start();
  await stage.publish(...Object.values(ends), cancel);
  const finals = await stage.ended(6);
  for (const [state, command] of Object.entries(ends)) expect(finals.get(command.id)?.state).toBe(Number(state));
  expect(finals.get(cancel.id)?.state).toBe(states.SENT);
});

it("gives up on a platform that stays away", async () => {
  const account = await stage.account("a");
  stage.platform.behave = () => ({ kind: "status", status: 503 });
  const command = stage.command(account, "general", "x");
  stage.start({ limits: { ...quick, failuresMax: 4 } });
  await stage.publish(command);
  expect((await stage.ended(1)).get(command.id)).toMatchObject({
    state: states.FAILED,
    errorCode: "service_unavailable",
    attempts: 4,
  });
});

it("tries again while nothing listens at the platform's address", async () => {
  const account = await stage.account("a");
  const server = createServer((_request, response) => response.end('{"id":"late"}'));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await stage.db.query("update accounts set settings = $2 where id = $1", [
    account.id,
    { api_base_url: `http://127.0.0.1:${port}` },
  ]);
  const command = stage.command(account, "general", "x");
  stage.start({ limits: quick });
  await stage.publish(command);
  await eventually(
    "three failures",
    async () => Number((await stage.db.query("select max(failures) as n from sender_commands")).rows[0]?.n) >= 3,
  );
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const finals = await stage.ended(1);
  server.close();
  server.closeAllConnections();
  expect(finals.get(command.id)).toMatchObject({ state: states.SENT, externalIds: ["late"] });
});

it("goes on after the parts of a long text that were sent, and gives every part's id", async () => {
  const account = await stage.account("a");
  firstCalls("two", 2, { kind: "status", status: 503 });
  const long = stage.command(account, "general", "one|two|three");
  const next = stage.command(account, "general", "next");
  const first = stage.start({ limits: { backoff: { startMs: 300, maxMs: 300 } } });
  await stage.publish(long, next);
  await eventually("two calls", () => stage.platform.calls.length >= 2);
  await first.stop();
  stage.start({ limits: quick });
  const finals = await stage.ended(2);
  expect(finals.get(long.id)).toMatchObject({ state: states.SENT, externalIds: ["p1", "p2", "p3"] });
  expect(finals.get(long.id)?.messageIds.length).toBe(3);
  expect(stage.platform.shown.get("general")?.map(({ text }) => text)).toEqual(["one", "two", "three", "next"]);
});

it("says which part failed, and keeps the ids of those that were sent", async () => {
  const account = await stage.account("a");
  firstCalls("two", 1, { kind: "status", status: 400 });
  const long = stage.command(account, "general", "one|two|three");
  stage.start();
  await stage.publish(long);
  const receipt = (await stage.ended(1)).get(long.id);
  expect(receipt).toMatchObject({ state: states.FAILED, externalIds: ["p1"], attempts: 2 });
  expect(receipt?.errorText).toContain("part 2 of 3");
});

it("cancels a command that waits, and says so when it is too late or not theirs", async () => {
  const account = await stage.account("a");
  const other = await stage.account("b");
  const later = { notBefore: timestampFromMs(Date.now() + 3_600_000) };
  const waiting = stage.command(account, "general", "waiting", later);
  const theirs = stage.command(other, "theirs", "theirs", { ...later, expiresAt: timestampFromMs(Date.now() + 4_000) });
  const sent = stage.command(account, "other", "sent");
  stage.start();
  await stage.publish(waiting, theirs, sent);
  await stage.ended(1);
  const cancels = [waiting, sent, theirs].map((target) => stage.command(account, "general", "", { cancelOf: target.id }));
  const self = stage.command(account, "general", "");
  self.cancelOf = self.id;
  const after = stage.command(account, "general", "after");
  await stage.publish(...cancels, self, after);
  const finals = await stage.ended(8);
  expect(finals.get(waiting.id)).toMatchObject({ state: states.CANCELLED, errorCode: "cancelled" });
  expect(cancels.map((command) => finals.get(command.id)?.state)).toEqual([states.SENT, states.FAILED, states.FAILED]);
  expect(finals.get(cancels[1]?.id ?? "")?.errorText).toContain("sent");
  expect(finals.get(self.id)).toMatchObject({ state: states.FAILED, errorCode: "not_cancellable" });
  expect(finals.get(theirs.id)).toMatchObject({ state: states.EXPIRED });
  expect(stage.platform.shown.get("general")?.map(({ text }) => text)).toEqual(["after"]);
});

it("waits for not_before, and expires what waits too long, at its turn or behind another", async () => {
  const account = await stage.account("a");
  const soon = Date.now() + 1_000;
  const delayed = stage.command(account, "one", "delayed", { notBefore: timestampFromMs(soon) });
  const behind = stage.command(account, "one", "behind", { expiresAt: timestampFromMs(soon - 500) });
  const past = stage.command(account, "two", "past", { expiresAt: timestampFromMs(1) });
  const odd = stage.command(account, "three", "odd", { expiresAt: { seconds: 9n ** 18n, nanos: -1 } as never });
  stage.start();
  await stage.publish(delayed, behind, past, odd);
  const finals = await stage.ended(4);
  expect(finals.get(delayed.id)?.state).toBe(states.SENT);
  expect(finals.get(behind.id)).toMatchObject({ state: states.EXPIRED, attempts: 0 });
  expect(finals.get(past.id)).toMatchObject({ state: states.EXPIRED, attempts: 0 });
  expect(finals.get(odd.id)?.state).toBe(states.SENT);
  const wallMs = Date.now() - performance.now();
  const call = stage.platform.calls.find(({ text }) => text === "delayed");
  expect((call?.atMs ?? 0) + wallMs).toBeGreaterThan(soon - 50);
});

it("uses a rotated credential and a changed rate without a restart", async () => {
  const account = await stage.account("a");
  stage.start();
  await stage.publish(stage.command(account, "general", "before"));
  await stage.ended(1);
  await replaceCredential(stage.db, account, "rotated");
  await stage.publish(stage.command(account, "general", "after", { notBefore: timestampFromMs(Date.now() + 2_500) }));
  await stage.ended(2);
  expect(stage.platform.calls.map((call) => call.credential)).toEqual(["a", "rotated"]);
});
