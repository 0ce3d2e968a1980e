// Every fault that `--faults` knows. A new one is one file in faults/ and one line here.

import { regionMoved, shardsMoved } from "./accounts/account-moved.ts";
import { directoryKeyUnfit } from "./accounts/directory-key-unfit.ts";
import { directoryTampered } from "./accounts/directory-tampered.ts";
import { secretRotated } from "./accounts/secret-rotated.ts";
import { busAway } from "./bus/bus-away.ts";
import { busFull } from "./bus/bus-full.ts";
import { busRestart } from "./bus/bus-restart.ts";
import { dedupeWindowOutlived } from "./bus/dedupe-window-outlived.ts";
import { newerGroup } from "./bus/newer-group.ts";
import { acksSwallowed, busSlow, bytesSwallowed } from "./bus/wire-faults.ts";
import { chunked } from "./clients/chunked.ts";
import { clockSkew } from "./clients/clock-skew.ts";
import { connections10000, slowloris } from "./clients/slow-clients.ts";
import { coreStopped } from "./core/core-stopped.ts";
import { edgeKilled } from "./edge/edge-killed.ts";
import { edgeRestartedMidGroup } from "./edge/edge-restarted-mid-group.ts";
import { spoolFull } from "./edge/spool-full.ts";
import { twoEdges } from "./edge/two-edges.ts";
import type { LoadFault } from "./fault.ts";

export const loadFaults: readonly LoadFault[] = [
  busRestart,
  coreStopped,
  edgeKilled,
  secretRotated,
  shardsMoved,
  regionMoved,
  busAway,
  busSlow,
  bytesSwallowed,
  acksSwallowed,
  busFull,
  spoolFull,
  dedupeWindowOutlived,
  edgeRestartedMidGroup,
  twoEdges,
  directoryTampered,
  directoryKeyUnfit,
  newerGroup,
  chunked,
  clockSkew,
  slowloris,
  connections10000,
];
