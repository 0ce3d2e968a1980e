// What people see of the agent's answers after a fault, and what the receipts say: each question has one visible message of the agent, each
// command one final receipt, and what ended as unknown was not sent again.
import { setTimeout as sleep } from "node:timers/promises";
import { type DeliveryReceipt, DeliveryReceipt_State as State } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import type { FaultContext } from "../faults/fault.ts";
import { judgeAnswers } from "./check.ts";
import { readReceipts } from "./witness.ts";

/** The slowest platform takes 0.8 calls a second, and an ambiguous send waits out its deadline first. */
const answeredWithinMs = 150_000;

/** Where to look. */
export type AnswersSeen = Pick<FaultContext, "load" | "platforms" | "nats" | "progress">;

export interface AnswersExpected {
  /** How many commands end as unknown: at least and at most. */
  unknown: readonly [number, number];
}

/** What people see twice, and whatever else is wrong. */
export interface AnswersFound {
  doubled: string[];
  findings: string[];
}

/** Waits until every command has its final receipt and the answers stand; gives what is wrong then. */
export async function checkAnswers(context: AnswersSeen, expected: AnswersExpected): Promise<AnswersFound> {
  const deadline = performance.now() + answeredWithinMs;
  for (;;) {
    const found = await look(context, expected);
    const good = found.findings.length + found.doubled.length === 0;
    if (good || performance.now() > deadline) {
      if (!good) return found;
      // Once more after a while: what is sent again would come late.
      await sleep(5_000);
      return look(context, expected);
    }
    await sleep(1_000);
  }
}

async function look({ load, platforms, nats, progress }: AnswersSeen, expected: AnswersExpected): Promise<AnswersFound> {
  const questions = load.messages;
  const receipts = await readReceipts(nats);
  const findings = receiptFindings(receipts);
  const unknown = receipts.filter((receipt) => receipt.state === State.UNKNOWN);
  const [least, most] = expected.unknown;
  if (unknown.length < least || unknown.length > most)
    findings.push(`${unknown.length} receipts are unknown, not ${least} to ${most}`);

  const visible = await Promise.all(
    [...new Set(questions.map((question) => question.conversation))].map(async (conversation) => {
      const channel = questions.find((question) => question.conversation === conversation)?.channel;
      const platform = platforms.find((each) => each.channel === channel);
      const messages = (await platform?.visible(conversation)) ?? [];
      return { conversation, botTexts: messages.filter((message) => message.bot).map((message) => message.text) };
    }),
  );
  const seenTwice: string[] = [];
  let unseen = 0;
  for (const { conversation, botTexts } of visible) {
    const asked = questions.filter((question) => question.conversation === conversation).length;
    if (botTexts.length > asked)
      seenTwice.push(`${conversation}: ${botTexts.length} visible messages of the agent for ${asked} questions`);
    unseen += Math.max(0, asked - botTexts.length);
  }
  // What ended as unknown may never have been sent; what was sent is in sight.
  if (unseen > unknown.length) findings.push(`${unseen} questions have no visible message of the agent`);
  const { doubled, missing } = judgeAnswers(questions, visible);
  seenTwice.push(...doubled.map((question) => `${question} is answered twice`));
  // A send of unknown outcome cannot be edited into its answer: its "thinking…" stays.
  if (missing.length > unknown.length) findings.push(`${missing.length} questions have no answer, such as ${missing[0]}`);
  progress(
    `  ${questions.length} questions, ${receipts.length} receipts, ${unknown.length} unknown, ${missing.length} without an answer`,
  );
  return { doubled: seenTwice, findings };
}

function receiptFindings(receipts: readonly DeliveryReceipt[]): string[] {
  const finals = new Map<string, number>();
  for (const receipt of receipts) {
    finals.set(receipt.commandId, (finals.get(receipt.commandId) ?? 0) + (receipt.state === State.ACCEPTED ? 0 : 1));
  }
  const without = [...finals].filter(([, count]) => count === 0).length;
  const several = [...finals].filter(([, count]) => count > 1).length;
  return [
    ...(finals.size === 0 ? ["there are no receipts at all"] : []),
    ...(without > 0 ? [`${without} commands have no final receipt`] : []),
    ...(several > 0 ? [`${several} commands have more than one final receipt`] : []),
  ];
}
