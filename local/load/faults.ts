// Every fault that `--faults` knows. A new one is one file in faults/ and one line here.
import type { LoadFault } from "./fault.ts";
import { regionMoved, shardsMoved } from "./faults/account-moved.ts";
import { busAway } from "./faults/bus-away.ts";
import { busFull } from "./faults/bus-full.ts";
import { busRestart } from "./faults/bus-restart.ts";
import { chunked } from "./faults/chunked.ts";
import { clockSkew } from "./faults/clock-skew.ts";
import { coreStopped } from "./faults/core-stopped.ts";
import { dedupeWindowOutlived } from "./faults/dedupe-window-outlived.ts";
import { directoryKeyUnfit } from "./faults/directory-key-unfit.ts";
import { directoryTampered } from "./faults/directory-tampered.ts";
import { edgeKilled } from "./faults/edge-killed.ts";
import { edgeRestartedMidGroup } from "./faults/edge-restarted-mid-group.ts";
import { newerGroup } from "./faults/newer-group.ts";
import { secretRotated } from "./faults/secret-rotated.ts";
import { connections10000, slowloris } from "./faults/slow-clients.ts";
import { spoolFull } from "./faults/spool-full.ts";
import { twoEdges } from "./faults/two-edges.ts";
import { acksSwallowed, busSlow, bytesSwallowed } from "./faults/wire-faults.ts";

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
