// A wire between a host and the bus that a test can cut: pass on, swallow what comes, or break every connection.

import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";

export interface Wire extends AsyncDisposable {
  /** On 127.0.0.1. */
  port: number;
  /** How many clients hold one. */
  readonly connections: number;
  /** What the client sends arrives nowhere. Resolves with the first bytes that were swallowed. */
  swallow(): Promise<void>;
  /** The connections that there are carry nothing any more, in either direction, and nobody reads them; new ones pass. */
  hang(): void;
  /** Breaks all connections (reset) and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
}

export async function wireTo(port: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let mode: "pass" | "swallow" | "cut" = "pass";
  let swallowed = () => {};
  const server = createServer((client) => {
    if (mode === "cut") return void client.resetAndDestroy();
    const upstream = dial(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (data) => {
      if (mode === "pass") upstream.write(data);
      else swallowed();
    });
    upstream.on("data", (data) => client.write(data));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.resetAndDestroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the wire has no port");
  const cut = () => {
    mode = "cut";
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    get connections() {
      return sockets.size / 2;
    },
    swallow: () => {
      mode = "swallow";
      return new Promise((resolve) => {
        swallowed = resolve;
      });
    },
    hang: () => {
      for (const socket of sockets) socket.pause();
    },
    cut,
    mend: () => {
      mode = "pass";
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
    },
  };
}
