// What a fault of the load is: one file, one record. It breaks something while the load runs, by the run's own clock and a randomness of its
// own, so that adding one to a run moves no other.

import type { LocalAccount } from "@mio/local/system/local-file.ts";
import type { EdgeHost } from "@mio/local/system/start-parts.ts";
import type { Random } from "@mio/shared/random.ts";
import type { JetStreamManager, NatsConnection } from "nats";
import type { Wire } from "../kit/wire/wire.ts";
import type { Load } from "../load/load.ts";
import type { LoadPlatform } from "../load/platform.ts";
import type { FaultSystem } from "../stand/fault-system.ts";

export interface LoadFault {
  /** Its word in `--faults`. */
  name: string;
  /** One line for `--help`: what happens, and what `:<count>` means where it has one. */
  help: string;
  /** `<name>:<count>`; the fault takes none when left out. */
  count?: { usual: number; max: number };
  /** What the system must be started with. */
  needs?: FaultNeeds;
  /** It takes the edge itself away: a webhook may find nobody listening. */
  edgeDies?: boolean;
  /** A shorter run leaves it no time. */
  secondsMin?: number;
  /** Only for these channels; for all when left out. */
  onlyFor?: readonly string[];
  /** Only on this host of the edge; on either when left out. */
  onlyOn?: EdgeHost;
  /** Runs beside the load; may go on a little after it. */
  run(context: FaultContext): Promise<FaultOutcome>;
}

export interface FaultNeeds {
  /** A wire between the edge and the bus that can be spoilt. */
  wire?: true;
  edgeEnv?: Readonly<Record<string, string>>;
  coreEnv?: Readonly<Record<string, string>>;
}

export interface FaultOutcome {
  /** Figures for the report, with stable names: units at the end. */
  figures: Record<string, number | string>;
  /** What is wrong, one line each; any fails the run. */
  findings: string[];
}

export interface FaultContext {
  system: FaultSystem;
  channel: string;
  host: EdgeHost;
  count: number;
  seconds: number;
  /** The run's own; `random` is drawn from it. */
  seed: number;
  account: LocalAccount;
  load: Load;
  platform: LoadPlatform;
  /** The operator's connection to the bus; it stays through outages. */
  nats: NatsConnection;
  /** An operator's act on the streams; tried again for half a minute, for another fault may have the bus away. */
  onBus<T>(work: (streams: JetStreamManager) => Promise<T>): Promise<T>;
  /** There when the fault needs one. */
  wire: Wire | undefined;
  random: Random;
  signal: AbortSignal;
  progress(line: string): void;
  /** Waits for a moment of the run: 0 is its start, 1 its end. At once when that is past. */
  at(share: number): Promise<void>;
  pause(ms: number): Promise<void>;
  /** Runs the operator's command line (`mio`) on this system, and gives what it prints with `--json`. Throws its words when it fails. */
  mio(...words: string[]): Promise<unknown>;
}
