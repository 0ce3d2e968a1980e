// Both hosts of the edge, as their shared tests see them: something that listens, logs, can be killed, and whose disk can fail.

import type { UplinkLimits } from "@mio/edge/uplink/limits.ts";

/** How a host reaches the bus. */
export interface Carrier {
  name: string;
  portOf(server: { port: number; websocketPort: number }): number;
  urlOf(port: number): string;
}

export const webSocket: Carrier = {
  name: "a WebSocket",
  portOf: (server) => server.websocketPort,
  urlOf: (port) => `ws://127.0.0.1:${port}`,
};

export const tcp: Carrier = { name: "TCP", portOf: (server) => server.port, urlOf: (port) => `nats://127.0.0.1:${port}` };

export interface TestHost {
  url: string;
  /** Lines that it logged. */
  lines: string[];
  /** SIGKILL, as a crash of the machine would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** From now on writes to the disk fail: those of this uplink at least, and nothing else of those that other tests need. */
  breakStorage(uplink: string): Promise<void>;
  mendStorage(uplink: string): Promise<void>;
}

export interface HostOptions {
  dataDir: string;
  /** One or several, separated by commas. */
  busUrl: string;
  /** In the place of an uplink's own. */
  uplinkLimits?: Partial<UplinkLimits>;
  /** The tests' own when left out. */
  directoryKeys?: string;
  /** The tests' own door when left out, else the platforms', as they ship. */
  doors?: "platforms";
}

export interface HostKind {
  name: string;
  carrier: Carrier;
  /** Resolves when it answers. What it stored in the folder outlives it. */
  start(options: HostOptions): Promise<TestHost>;
}
