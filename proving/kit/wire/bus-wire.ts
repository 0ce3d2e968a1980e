// The wire between the edge and the bus, which a fault can spoil: TCP under whatever is spoken on it, WebSocket or NATS.
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";

export type WireFault =
  /** What the edge sends arrives nowhere, and nobody is told. */
  | { kind: "requests_swallowed" }
  /** The bus gets everything; nothing of what it says arrives. */
  | { kind: "answers_swallowed" }
  /** Whatever the bus says arrives this much later. */
  | { kind: "answers_held"; ms: number };

export interface BusWire extends AsyncDisposable {
  /** The wire's own address for the bus at `url`; connections go there from now on. */
  leadTo(url: string): string;
  /** Spoils the open connections, and new ones too. */
  spoil(fault: WireFault): void;
  /** What was held arrives at once; connections that have lost bytes are reset. */
  mend(): void;
  /** Bytes that were swallowed or held since the wire was made. */
  spoiltBytes(): number;
}

interface Line {
  client: Socket;
  bus: Socket;
  /** Bytes were taken out of that direction: what comes after them means nothing any more. The other one goes on. */
  torn: { requests: boolean; answers: boolean };
  held: { bytes: Buffer; timer: NodeJS.Timeout }[];
}

export async function startBusWire(): Promise<BusWire> {
  const lines = new Set<Line>();
  let target: { host: string; port: number } | undefined;
  let fault: WireFault | undefined;
  let spoilt = 0;

  const server = createServer({ noDelay: true }, (client) => {
    if (!target) return void client.destroy();
    const line: Line = { client, bus: dial({ ...target, noDelay: true }), torn: { requests: false, answers: false }, held: [] };
    lines.add(line);
    line.client.on("data", (bytes: Buffer) => {
      if (line.torn.requests || fault?.kind === "requests_swallowed") return tear(line, "requests", bytes);
      line.bus.write(bytes);
    });
    line.bus.on("data", (bytes: Buffer) => {
      if (line.torn.answers || fault?.kind === "answers_swallowed") return tear(line, "answers", bytes);
      if (fault?.kind === "answers_held") return hold(line, bytes, fault.ms);
      // What was held before goes first.
      flush(line);
      line.client.write(bytes);
    });
    for (const socket of [line.client, line.bus]) {
      socket.on("error", () => {});
      socket.on("close", () => drop(line));
    }
  });

  function tear(line: Line, direction: keyof Line["torn"], bytes: Buffer): void {
    line.torn[direction] = true;
    spoilt += bytes.length;
  }

  function hold(line: Line, bytes: Buffer, ms: number): void {
    spoilt += bytes.length;
    const timer = setTimeout(() => {
      line.held.shift();
      line.client.write(bytes);
    }, ms);
    line.held.push({ bytes, timer });
  }

  function flush(line: Line): void {
    for (const { bytes, timer } of line.held.splice(0)) {
      clearTimeout(timer);
      line.client.write(bytes);
    }
  }

  function drop(line: Line): void {
    if (!lines.delete(line)) return;
    for (const { timer } of line.held) clearTimeout(timer);
    line.client.resetAndDestroy();
    line.bus.resetAndDestroy();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the wire has no port");
  return {
    leadTo(url) {
      const { protocol, hostname, port } = new URL(url);
      target = { host: hostname, port: Number(port) };
      return `${protocol}//127.0.0.1:${address.port}`;
    },
    spoil(next) {
      fault = next;
    },
    mend() {
      fault = undefined;
      for (const line of lines) {
        if (line.torn.requests || line.torn.answers) drop(line);
        else flush(line);
      }
    },
    spoiltBytes: () => spoilt,
    async [Symbol.asyncDispose]() {
      for (const line of lines) drop(line);
      server.close();
    },
  };
}
