// The edge dies while a group is on its way: the bus hangs, so that nothing is acknowledged, and the edge is killed within the 800 ms that it
// waits. Nobody was answered for that group, and the bus may store it all the same when it wakes.
import { killEdge } from "../../stand/kill-edge.ts";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

const hungMsMin = 100;
const hungMsMax = 700;

export const edgeRestartedMidGroup: Fault = {
  name: "edge-restarted-mid-group",
  help: "the edge killed with -9 while a group waits for its acknowledgement, and restarted, :<count> times",
  count: { usual: 2, max: 20 },
  edgeDies: true,
  async run({ system, count, load, random, at, pause, progress, signal }) {
    let inFlight = 0;
    for (let time = 0; time < count; time += 1) {
      await at((time + 0.2 + random.next() * 0.3) / count);
      system.nats.pause();
      await pause(hungMsMin + random.next() * (hungMsMax - hungMsMin));
      const waiting = load.messages.filter(({ attempts }) => attempts.length === 0).length;
      await killEdge(system.edge);
      system.nats.resume();
      progress(`edge-restarted-mid-group: killed with ${waiting} webhooks in its hands, ${time + 1} of ${count}`);
      inFlight += waiting;
      await restarted(system.edge, signal);
    }
    const findings = inFlight === 0 ? ["no webhook was in the edge's hands when it was killed"] : [];
    return { figures: { kills: count, webhooks_in_hand: inFlight }, findings };
  },
};
