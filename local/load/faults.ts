// Every fault that `--faults` knows. A new one is one file in faults/ and one line here.
import type { LoadFault } from "./fault.ts";
import { busRestart } from "./faults/bus-restart.ts";
import { coreStopped } from "./faults/core-stopped.ts";
import { edgeKilled } from "./faults/edge-killed.ts";

export const loadFaults: readonly LoadFault[] = [busRestart, coreStopped, edgeKilled];
