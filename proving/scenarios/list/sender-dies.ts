// (f) The sender dies between the platform's answer and its own record of it: nobody can know whether the message was sent, so the receipt
// says so, a person sees it once, and the conversation goes on.
import { checkAnswers } from "../../judge/answers.ts";
import { gone } from "../../stand/process-state.ts";
import type { Scenario } from "../scenario.ts";

/** So many calls can be under way when the sender dies; each of them ends as unknown. */
const conversations = 6;

export const senderDies: Scenario = {
  key: "f",
  title: "the sender killed between the platform's answer and its record",
  system: { agent: true },
  // Two calls an answer, and Zoho Cliq takes 0.8 calls a second.
  load: { rate: 0.9, conversations },
  async run({ system, random, progress, seconds }) {
    await system.core.stop();
    system.core.env.MIO_CHECKPOINT = `sender.answered:kill:${Math.floor(random.next() * 4)}`;
    await system.core.restart();
    await gone(system.core.pid, 90_000);
    progress("the sender died with an answer in its hands");
    system.core.env.MIO_CHECKPOINT = undefined;
    await system.core.restart();
    await seconds(30);
    return [];
  },
  after: (context) => checkAnswers(context, { unknown: [1, conversations] }),
};
