// The ten scenarios: which faults strike one after the other, each for how long, under what load. What a fault does stands in its own file.
import { directoryWiped } from "../faults/accounts/directory-wiped.ts";
import { agentKilled } from "../faults/answers/agent-killed.ts";
import { senderKilled } from "../faults/answers/sender-killed.ts";
import { busAway, busHung, busPaused } from "../faults/bus/bus-away.ts";
import { shardCutOff } from "../faults/bus/shard-cut-off.ts";
import { fiveTimes, laterSeconds } from "../faults/clients/five-times.ts";
import { coreKilledAtPoints, coreWakesAtPoints, pausedSeconds, points } from "../faults/core/core-at-points.ts";
import { coreStopped } from "../faults/core/core-stopped.ts";
import { postgresAway, postgresRestarted } from "../faults/core/postgres.ts";
import { edgeKilledSpooling } from "../faults/edge/edge-killed-spooling.ts";
import type { Fault } from "../faults/fault.ts";

export interface Scenario {
  /** Its letter in `--only`. */
  key: string;
  title: string;
  /** One after the other: `seconds` is the least that the load goes on beside each, and the measure of its moments. */
  faults: readonly { fault: Fault; count?: number; seconds: number }[];
  /** Messages a second and conversations, where the run's own would hit the platforms' limits. */
  load?: { rate: number; conversations: number };
  /** Further platforms, where each message goes into two conversations and is told in one webhook. */
  pairs?: readonly string[];
}

/** Two calls an answer, and Zoho Cliq takes 0.8 calls a second. */
const answered = { rate: 0.9, conversations: 6 };

export const scenarios: readonly Scenario[] = [
  {
    key: "a",
    title: "nats-server killed with -9 for 20 s, then paused for 20 s, then paused and killed",
    faults: [
      { fault: busAway, count: 20, seconds: 32 },
      { fault: busPaused, count: 20, seconds: 32 },
      { fault: busHung, count: 8, seconds: 20 },
    ],
  },
  {
    key: "b",
    title: `core killed with -9 at ${points.length} points, then paused at each for ${pausedSeconds} s while another takes over`,
    faults: [
      { fault: coreKilledAtPoints, seconds: 20 },
      { fault: coreWakesAtPoints, seconds: 20 },
    ],
  },
  {
    key: "c",
    title: "workerd killed with -9 while its spool is not empty",
    faults: [{ fault: edgeKilledSpooling, seconds: 44 }],
  },
  {
    key: "d",
    title: "Postgres restarted, then killed with -9 for 10 s",
    faults: [
      { fault: postgresRestarted, seconds: 12 },
      { fault: postgresAway, count: 10, seconds: 22 },
    ],
  },
  {
    key: "e",
    title: `one webhook five times: at once, after ${laterSeconds} s, after a restart of core`,
    faults: [{ fault: fiveTimes, seconds: 1 }],
  },
  {
    key: "f",
    title: "the sender killed between the platform's answer and its record",
    faults: [{ fault: senderKilled, seconds: 50 }],
    load: answered,
  },
  {
    key: "g",
    title: "the agent killed between its send and its ack, three times",
    faults: [{ fault: agentKilled, count: 3, seconds: 66 }],
    load: answered,
  },
  {
    key: "h",
    title: "SIGTERM to core three times",
    faults: [{ fault: coreStopped, count: 3, seconds: 30 }],
  },
  {
    key: "i",
    title: "the directory's bucket wiped",
    faults: [{ fault: directoryWiped, seconds: 26 }],
  },
  {
    key: "j",
    title: "one shard cut off while webhooks carry two conversations",
    faults: [{ fault: shardCutOff, seconds: 60 }],
    pairs: ["test"],
  },
];
