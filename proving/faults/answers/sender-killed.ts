// The sender dies between the platform's answer and its own record of it: nobody can know whether the message was sent, so the receipt
// says so, a person sees it once, and the conversation goes on.
import { checkAnswers } from "../../judge/answers.ts";
import { gone } from "../../stand/process-state.ts";
import type { Fault } from "../fault.ts";
import { answeredRateMax } from "./agent-killed.ts";

export const senderKilled: Fault = {
  name: "sender-killed",
  help: "core killed with -9 after a platform's answer and before the sender has written it down; with the example agent",
  needs: { agent: true },
  rateMax: answeredRateMax,
  async run({ system: { core }, random, at, progress }) {
    await at(0.1);
    await core.stop();
    core.env.MIO_CHECKPOINT = `sender.answered:kill:${Math.floor(random.next() * 4)}`;
    await core.restart();
    await gone(core.pid, 90_000);
    progress("sender-killed: it died with an answer in its hands");
    core.env.MIO_CHECKPOINT = undefined;
    await core.restart();
    return { figures: { kills: 1 }, findings: [] };
  },
  // A call of each conversation can be under way when the sender dies; each of them ends as unknown.
  after: (context) => checkAnswers(context, { unknown: [1, context.conversations] }),
};
