// What a fault is: one file, one record. It breaks something while the load runs, at moments of its stage of the run and with a randomness of
// its own, so that adding one to a run moves no other.

import type { LocalAccount } from "@mio/local/system/local-file.ts";
import type { EdgeHost } from "@mio/local/system/system-options.ts";
import type { Random } from "@mio/shared/random.ts";
import type { JetStreamManager, NatsConnection } from "../kit/bus/client.ts";
import type { Wire } from "../kit/wire/wire.ts";
import type { Load } from "../load/load.ts";
import type { LoadPlatform } from "../load/platform.ts";
import type { FaultSystem } from "../stand/fault-system.ts";

export interface Fault {
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
  /** Under more messages a second it proves nothing. */
  rateMax?: number;
  /** Only for these channels; for all when left out. */
  onlyFor?: readonly string[];
  /** Only on this host of the edge; on either when left out. */
  onlyOn?: EdgeHost;
  /** Runs beside the load; may go on a little after it. */
  run(context: FaultContext): Promise<FaultOutcome>;
  /** After the load has ended and everything is on the streams: what people see twice, and what else is wrong. */
  after?(context: FaultContext): Promise<{ doubled: string[]; findings: string[] }>;
}

export interface FaultNeeds {
  /** A wire between the edge and the bus that can be spoilt. */
  wire?: true;
  /** The example agent. */
  agent?: true;
  /** So many core processes; 1 when left out. */
  cores?: number;
  edgeEnv?: Readonly<Record<string, string>>;
  coreEnv?: Readonly<Record<string, string>>;
}

/** One of those that a run was asked for. */
export interface ChosenFault {
  fault: Fault;
  count: number;
}

export interface FaultOutcome {
  /** Figures for the report, with stable names: units at the end. */
  figures: Record<string, number | string>;
  /** What is wrong, one line each; any fails the run. */
  findings: string[];
}

export interface FaultContext {
  system: FaultSystem;
  host: EdgeHost;
  count: number;
  conversations: number;
  /** Of the fault's stage: the whole run, or its part of a scenario. */
  seconds: number;
  /** Of `performance.now()`: when the stage began. */
  startMs: number;
  /** The run's own; `random` is drawn from it. */
  seed: number;
  load: Load;
  /** The platforms that the load is spread over; the first of them, and its account. */
  platforms: readonly LoadPlatform[];
  platform: LoadPlatform;
  channel: string;
  account: LocalAccount;
  /** The operator's connection to the bus; it stays through outages. */
  nats: NatsConnection;
  /** An operator's act on the streams; tried again for half a minute, for another fault may have the bus away. */
  onBus<T>(work: (streams: JetStreamManager) => Promise<T>): Promise<T>;
  /** There when the fault needs one. */
  wire: Wire | undefined;
  random: Random;
  signal: AbortSignal;
  progress(line: string): void;
  /** Waits for a moment of the stage: 0 is its start, 1 its end. At once when that is past. */
  at(share: number): Promise<void>;
  pause(ms: number): Promise<void>;
  /** Runs the operator's command line (`mio`) on this system, and gives what it prints with `--json`. Throws its words when it fails. */
  mio(...words: string[]): Promise<unknown>;
}
