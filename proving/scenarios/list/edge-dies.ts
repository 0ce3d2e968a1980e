// (c) The edge dies while its spool holds webhooks that were answered 200: the rows outlive it, and are drained by the next.
import { killEdge } from "../../stand/kill-edge.ts";
import type { Scenario } from "../scenario.ts";

export const edgeDies: Scenario = {
  key: "c",
  title: "workerd killed with -9 while its spool is not empty",
  edgeDies: true,
  async run({ system, load, progress, seconds }) {
    const findings: string[] = [];
    for (const order of ["the bus comes back first", "the edge comes back first"] as const) {
      system.nats.pause();
      await seconds(4);
      const before = acknowledged(load.report().messages);
      await seconds(3);
      const spooled = acknowledged(load.report().messages) - before;
      progress(`workerd: kill -9 with some ${spooled} answered webhooks of the last 3 s in its spool; ${order}`);
      if (spooled === 0) findings.push("nothing was in the spool when the edge was killed");
      await killEdge(system.edge);
      await seconds(2);
      if (order === "the bus comes back first") system.nats.resume();
      await system.edge.restart();
      system.nats.resume();
      await seconds(10);
    }
    return findings;
  },
};

function acknowledged(messages: readonly { acknowledged: boolean }[]): number {
  return messages.filter((message) => message.acknowledged).length;
}
