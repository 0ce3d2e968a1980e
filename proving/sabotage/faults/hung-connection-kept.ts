import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "hung-connection-kept",
  guarantee: "G2",
  description: "keeps a connection over which nothing comes back, so that a spool drains only when the kernel gives up",
  file: "edge/src/uplink/nats-link.ts",
  find: /connection === this\.#connection && this\.#abandon\(\)/,
  replace: "connection !== this.#connection && this.#abandon()",
  tests: [{ file: "edge/src/node/nats-tcp.test.ts", name: /gives up a connection that hangs/ }],
};
