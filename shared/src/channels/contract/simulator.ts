// The platform itself on this machine: local play and the tests hold it. It shares nothing with the doors.
import type { Clock } from "../../clock.ts";
import type { Random } from "../../random.ts";
import type { VerificationSecret } from "./account.ts";

/** What a simulator stands on. State is one JSON text, saved whenever it changed and loaded at the start. */
export interface SimulatorHost {
  /** Where the simulator itself is reached, such as `http://127.0.0.1:4010`, without a slash at the end. */
  baseUrl: string;
  clock: Clock;
  random: Random;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  load(): Promise<string | undefined>;
  /** Left out: nothing is kept beyond the process. */
  save?(state: string): Promise<void>;
  /** No wait between two attempts at a webhook is longer, whatever the platform's schedule says: for runs shorter than that. */
  retryWaitMsMax?: number;
  /** Told at once when something fails that is tried again, such as a save. */
  report?(error: unknown): void;
}

/** The platform itself, as strict as it is: its own endpoints, and `/_control` to act as a person (see ../simulator/README.md). */
export interface Simulator {
  channelType: string;
  fetch(request: Request): Promise<Response>;
  /** Stops deliveries and saves. */
  close(): Promise<void>;
}

export interface SimulatorKind {
  channelType: string;
  create(host: SimulatorHost): Promise<Simulator>;
}

/** What installing an app on a simulator gives: what an operator would type into `mio account create`. */
export interface InstalledApp {
  appId: string;
  account: {
    externalId: string;
    displayName: string;
    settings: Record<string, string>;
    secrets: VerificationSecret[];
    credential: string;
  };
}
