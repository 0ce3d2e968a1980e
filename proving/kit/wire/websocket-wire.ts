// A TCP proxy between the edge and the bus's WebSocket door that can cut off single connections, known by the name that a client gives in
// its CONNECT line. What is not cut passes unchanged.
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { ConnectNameReader } from "./websocket-frames.ts";

export type CutKind =
  /** Connections end at once, and new ones as soon as they say their name. */
  | "reset"
  /** Nothing passes any more, in either direction, and nobody is told. */
  | "silent";

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Where connections go from now on. One that comes before is ended. */
  aimAt(url: string): void;
  /** Names of the open connections, in the order in which they came. */
  names(): string[];
  /** Cuts off whoever's name matches, now and later, until `mend`. */
  cut(name: RegExp, kind: CutKind): void;
  /** Lets new connections pass again; silent ones are ended, as after a real outage. */
  mend(): void;
}

interface Line {
  client: Socket;
  server: Socket;
  name: string | undefined;
  silent: boolean;
}

/** Listens on a free port of the loopback. */
export async function startProxy(): Promise<CuttingProxy> {
  const lines = new Set<Line>();
  let target: { host: string; port: number } | undefined;
  let fault: { name: RegExp; kind: CutKind } | undefined;

  const listener = createServer((client) => {
    if (!target) return void client.destroy();
    const line: Line = { client, server: connectSocket(target), name: undefined, silent: false };
    lines.add(line);
    const reader = new ConnectNameReader();
    const end = () => {
      // A silent line keeps its other half open: whoever was cut off learns nothing.
      if (line.silent) return;
      lines.delete(line);
      line.client.destroy();
      line.server.destroy();
    };
    client.on("data", (chunk) => {
      line.name ??= reader.push(chunk);
      if (fault && line.name !== undefined && fault.name.test(line.name)) cutOff(line, fault.kind);
      if (!line.silent && !line.server.destroyed) line.server.write(chunk);
    });
    line.server.on("data", (chunk) => {
      if (!line.silent && !line.client.destroyed) line.client.write(chunk);
    });
    for (const socket of [line.client, line.server]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
  });

  function cutOff(line: Line, kind: CutKind): void {
    if (kind === "silent") line.silent = true;
    else drop(line);
  }

  function drop(line: Line): void {
    lines.delete(line);
    line.client.destroy();
    line.server.destroy();
  }

  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", resolve);
  });
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy listens on no port");
  return {
    port: address.port,
    url: `ws://127.0.0.1:${address.port}`,
    aimAt(url) {
      const { hostname, port } = new URL(url);
      target = { host: hostname, port: Number(port) };
    },
    names: () => [...lines].flatMap((line) => (line.name === undefined ? [] : [line.name])),
    cut(name, kind) {
      fault = { name, kind };
      for (const line of lines) if (line.name !== undefined && name.test(line.name)) cutOff(line, kind);
    },
    mend() {
      fault = undefined;
      for (const line of lines) if (line.silent) drop(line);
    },
    async [Symbol.asyncDispose]() {
      for (const line of lines) drop(line);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
