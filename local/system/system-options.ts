// What may differ from one local system to another. All but the folder and the channels may be left out.
import type { ExistingNats } from "./bus-access.ts";

export type EdgeHost = "worker" | "node";

export interface SystemOptions {
  dataDir: string;
  /** Channel types to simulate. */
  channels: readonly string[];
  /** Core processes side by side; 1 when left out. */
  cores?: number;
  /** Without the example agent. */
  withoutAgent?: boolean;
  existing?: { postgresDsn?: string; nats?: ExistingNats };
  /** Which host of the edge runs: the Worker in workerd when left out. */
  edgeHost?: EdgeHost;
  /** Simulated platforms that the caller runs, by channel type: their URLs. No process is started for these. */
  platforms?: Readonly<Record<string, string>>;
  /** What the edge is given for its door to the bus: a fault run puts a proxy between. */
  edgeBusFor?: (url: string) => string | Promise<string>;
  edgeEnv?: Readonly<Record<string, string>>;
  coreEnv?: Readonly<Record<string, string>>;
  agentEnv?: Readonly<Record<string, string>>;
  /** Any free ports when left out; `usual` prefers those that a person may know by heart. */
  ports?: "usual" | "any";
  /** Refused when it is in use; left out: chosen as the others. */
  edgePort?: number;
  progress?: (line: string) => void;
  /** Aborted: the start is given up, and what had started is stopped. */
  signal?: AbortSignal;
}
