// (a) The bus dies, then falls silent: what comes meanwhile goes through the spool, and its order stays.
import type { Scenario } from "../scenario.ts";

const awaySeconds = 20;
const hungSeconds = 8;

export const busAway: Scenario = {
  key: "a",
  title: `nats-server killed with -9 for ${awaySeconds} s, then paused for ${awaySeconds} s, then paused and killed`,
  async run({ system, progress, seconds }) {
    progress("nats-server: kill -9");
    await system.nats.kill();
    await seconds(awaySeconds);
    await system.nats.restart();
    progress("nats-server is back");
    await seconds(10);
    progress("nats-server: paused");
    system.nats.pause();
    await seconds(awaySeconds);
    system.nats.resume();
    progress("nats-server goes on");
    await seconds(10);
    // What was sent to it meanwhile lies in its sockets, and dies with it: only what it acknowledged counts.
    progress("nats-server: hangs, and is killed with -9");
    system.nats.pause();
    await seconds(hungSeconds);
    await system.nats.kill();
    await system.nats.restart();
    progress("nats-server is back");
    await seconds(10);
    return [];
  },
};
