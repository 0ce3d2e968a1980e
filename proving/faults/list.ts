// Every fault that `--faults` knows, and that a scenario may name. A new one is one file in faults/ and one line here.

import { regionMoved, shardsMoved } from "./accounts/account-moved.ts";
import { directoryKeyUnfit } from "./accounts/directory-key-unfit.ts";
import { directoryTampered } from "./accounts/directory-tampered.ts";
import { directoryWiped } from "./accounts/directory-wiped.ts";
import { secretRotated } from "./accounts/secret-rotated.ts";
import { agentKilled } from "./answers/agent-killed.ts";
import { senderKilled } from "./answers/sender-killed.ts";
import { busAway, busHung, busPaused } from "./bus/bus-away.ts";
import { busFull } from "./bus/bus-full.ts";
import { busRestart } from "./bus/bus-restart.ts";
import { dedupeWindowOutlived } from "./bus/dedupe-window-outlived.ts";
import { newerGroup } from "./bus/newer-group.ts";
import { shardCutOff } from "./bus/shard-cut-off.ts";
import { acksSwallowed, busSlow, bytesSwallowed } from "./bus/wire-faults.ts";
import { chunked } from "./clients/chunked.ts";
import { clockSkew } from "./clients/clock-skew.ts";
import { fiveTimes } from "./clients/five-times.ts";
import { connections10000, slowloris } from "./clients/slow-clients.ts";
import { coreKilledAtPoints, coreWakesAtPoints } from "./core/core-at-points.ts";
import { coreStopped } from "./core/core-stopped.ts";
import { postgresAway, postgresRestarted } from "./core/postgres.ts";
import { edgeKilled } from "./edge/edge-killed.ts";
import { edgeKilledSpooling } from "./edge/edge-killed-spooling.ts";
import { edgeRestartedMidGroup } from "./edge/edge-restarted-mid-group.ts";
import { spoolFull } from "./edge/spool-full.ts";
import { twoEdges } from "./edge/two-edges.ts";
import type { Fault } from "./fault.ts";

export const faults: readonly Fault[] = [
  busRestart,
  busAway,
  busPaused,
  busHung,
  busSlow,
  bytesSwallowed,
  acksSwallowed,
  busFull,
  shardCutOff,
  newerGroup,
  dedupeWindowOutlived,
  edgeKilled,
  edgeKilledSpooling,
  edgeRestartedMidGroup,
  spoolFull,
  twoEdges,
  coreStopped,
  coreKilledAtPoints,
  coreWakesAtPoints,
  postgresRestarted,
  postgresAway,
  senderKilled,
  agentKilled,
  secretRotated,
  shardsMoved,
  regionMoved,
  directoryWiped,
  directoryTampered,
  directoryKeyUnfit,
  fiveTimes,
  chunked,
  clockSkew,
  slowloris,
  connections10000,
];
