// The edge dies while its spool holds webhooks that were answered 200: the rows outlive it, and are drained by the next.
import { killEdge } from "../../stand/kill-edge.ts";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

const orders = ["the bus comes back first", "the edge comes back first"] as const;
/** After so long nothing is on its way to the bus any more; what is answered from then on is in the spool. */
const silentMs = 4_000;
const spoolingMs = 3_000;
const deadMs = 2_000;

export const edgeKilledSpooling: Fault = {
  name: "edge-killed-spooling",
  help: "the edge killed with -9 while its spool is not empty, at 2 % and at 52 % of the run: once the bus comes back first, once the edge",
  edgeDies: true,
  secondsMin: 30,
  async run({ system, load, at, pause, progress, signal }) {
    const findings: string[] = [];
    const acknowledged = () => load.messages.filter((message) => message.acknowledged).length;
    let spooled = 0;
    for (const [index, order] of orders.entries()) {
      await at(index / orders.length + 0.02);
      system.nats.pause();
      await pause(silentMs);
      const before = acknowledged();
      await pause(spoolingMs);
      const own = acknowledged() - before;
      spooled += own;
      progress(`edge-killed-spooling: killed with some ${own} answered webhooks of the last 3 s in its spool; ${order}`);
      if (own === 0) findings.push("nothing was in the spool when the edge was killed");
      await killEdge(system.edge);
      await pause(deadMs);
      if (order === "the bus comes back first") system.nats.resume();
      await restarted(system.edge, signal);
      system.nats.resume();
    }
    return { figures: { kills: orders.length, spooled_at_kill: spooled }, findings };
  },
};
