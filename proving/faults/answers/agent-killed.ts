// The agent dies between its send and its ack: it handles the message again, makes the same commands, and a person sees one answer.
import { checkAnswers } from "../../judge/answers.ts";
import { gone } from "../../stand/process-state.ts";
import type { Fault } from "../fault.ts";

/** Two calls an answer, and the slowest platform takes 0.8 calls a second: more questions would wait for longer than a run does. */
export const answeredRateMax = 1;

export const agentKilled: Fault = {
  name: "agent-killed",
  help: "the example agent killed with -9 between its send and its ack, and restarted, :<count> times",
  count: { usual: 1, max: 20 },
  needs: { agent: true },
  rateMax: answeredRateMax,
  async run({ system: { agent }, count, at, progress }) {
    if (!agent) throw new Error("agent-killed has no agent");
    for (let time = 0; time < count; time += 1) {
      await at((time + 0.1) / count);
      await agent.stop();
      agent.env.MIO_AGENT_CHECKPOINT = "sent:kill";
      await agent.restart();
      await gone(agent.pid, 90_000);
      progress(`agent-killed: it died after its send, ${time + 1} of ${count}`);
      agent.env.MIO_AGENT_CHECKPOINT = undefined;
      await agent.restart();
    }
    return { figures: { kills: count }, findings: [] };
  },
  after: (context) => checkAnswers(context, { unknown: [0, 0] }),
};
