// (g) The agent dies between its send and its ack: it handles the message again, makes the same commands, and a person sees one answer.
import { checkAnswers } from "../../judge/answers.ts";
import { gone } from "../../stand/process-state.ts";
import type { Scenario } from "../scenario.ts";

export const agentDies: Scenario = {
  key: "g",
  title: "the agent killed between its send and its ack, three times",
  system: { agent: true },
  load: { rate: 0.9, conversations: 6 },
  async run({ system, progress, seconds }) {
    const agent = system.agent;
    if (!agent) throw new Error("the scenario has no agent");
    for (let time = 1; time <= 3; time += 1) {
      await agent.stop();
      agent.env.MIO_AGENT_CHECKPOINT = "sent:kill";
      await agent.restart();
      await gone(agent.pid, 90_000);
      progress(`the agent died after its send, time ${time}`);
      agent.env.MIO_AGENT_CHECKPOINT = undefined;
      await agent.restart();
      await seconds(15);
    }
    return [];
  },
  after: (context) => checkAnswers(context, { unknown: [0, 0] }),
};
