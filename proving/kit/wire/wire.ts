// The wire between a client and the bus, which a test or a fault can spoil: TCP under whatever is spoken on it, NATS or WebSocket. It spoils
// all connections, or only those of the clients that are named.
import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { ConnectNameReader } from "./connect-name.ts";

export type WireFault =
  /** Connections end at once by reset, and new ones too: by name, as soon as they say it. */
  | { kind: "cut" }
  /** Nothing passes any more, in either direction, and nobody is told. */
  | { kind: "silent" }
  /** The connections that there are: nobody reads them any more, so that their buffers fill up. New ones pass. */
  | { kind: "hung" }
  /** What clients send arrives nowhere, and nobody is told. */
  | { kind: "requests_swallowed" }
  /** The bus gets everything; nothing of what it says arrives. */
  | { kind: "answers_swallowed" }
  /** Whatever the bus says arrives this much later. */
  | { kind: "answers_held"; ms: number };

/** A wire to a port on this machine. */
export async function wireTo(port: number): Promise<Wire> {
  const wire = await startWire();
  wire.leadTo(`tcp://127.0.0.1:${port}`);
  return wire;
}

/** Leads nowhere yet. */
export async function startWire(): Promise<Wire> {
  const server = createServer({ noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the wire has no port");
  return new Wire(server, address.port);
}

interface Line {
  client: Socket;
  bus: Socket;
  name: string | undefined;
  /** Bytes were taken out of that direction: what comes after them means nothing any more. The other one goes on. */
  torn: { requests: boolean; answers: boolean };
  /** Nothing passes any more, and neither end learns what becomes of the other. */
  numb: boolean;
  held: { bytes: Buffer; timer: NodeJS.Timeout }[];
}

export class Wire implements AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #target: { host: string; port: number } | undefined;
  #spoiling: { fault: WireFault; whose: RegExp | undefined } | undefined;
  #spoiltBytes = 0;
  #nextSpoilt = Promise.withResolvers<void>();

  constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (client) => this.#connect(client));
  }

  /** How many clients hold one. */
  get connections(): number {
    return this.#lines.size;
  }

  /** Bytes that were swallowed or held since the wire was made. */
  get spoiltBytes(): number {
    return this.#spoiltBytes;
  }

  /** What the clients of the open connections call themselves, in the order in which they came. */
  get names(): string[] {
    return [...this.#lines].flatMap(({ name }) => (name === undefined ? [] : [name]));
  }

  /** The wire's own address for the bus at `url`; connections go there from now on. One that comes before is ended. */
  leadTo(url: string): string {
    const { protocol, hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
    return `${protocol}//127.0.0.1:${this.port}`;
  }

  /** Spoils the open connections and new ones: all of them, or those whose client's name matches. */
  spoil(fault: WireFault, whose?: RegExp): void {
    this.#spoiling = { fault, whose };
    for (const line of this.#lines) {
      if (this.#faultOf(line) === undefined) continue;
      if (fault.kind === "cut") this.#drop(line);
      if (fault.kind === "silent" || fault.kind === "hung") line.numb = true;
      if (fault.kind === "hung") for (const socket of [line.client, line.bus]) socket.pause();
    }
  }

  /** As `spoil({ kind: "cut" })`. */
  cut(): void {
    this.spoil({ kind: "cut" });
  }

  /** Resolves when the next byte is swallowed or held. */
  spoilt(): Promise<void> {
    return this.#nextSpoilt.promise;
  }

  /** What was held arrives at once; connections that have lost bytes or hung are reset. */
  mend(): void {
    this.#spoiling = undefined;
    for (const line of this.#lines) {
      if (line.numb || line.torn.requests || line.torn.answers) this.#drop(line);
      else release(line);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) this.#drop(line);
    this.#server.close();
  }

  #connect(client: Socket): void {
    if (!this.#target) return void client.destroy();
    const bus = dial({ ...this.#target, noDelay: true });
    const torn = { requests: false, answers: false };
    const line: Line = { client, bus, name: undefined, torn, numb: false, held: [] };
    this.#lines.add(line);
    const reader = new ConnectNameReader();
    client.on("data", (bytes: Buffer) => {
      line.name ??= reader.push(bytes);
      this.#onRequest(line, bytes);
    });
    bus.on("data", (bytes: Buffer) => this.#onAnswer(line, bytes));
    for (const socket of [client, bus]) socket.on("error", () => {});
    // What the client had said before it left still goes to the bus.
    client.on("close", () => !line.numb && this.#forget(line) && bus.destroy());
    bus.on("close", () => !line.numb && this.#forget(line) && client.resetAndDestroy());
    const fault = this.#faultOf(line);
    if (fault?.kind === "cut") this.#drop(line);
    if (fault?.kind === "silent") line.numb = true;
  }

  #onRequest(line: Line, bytes: Buffer): void {
    const fault = this.#faultOf(line);
    if (fault?.kind === "silent") line.numb = true;
    if (fault?.kind === "cut") this.#drop(line);
    else if (line.numb || line.torn.requests || fault?.kind === "requests_swallowed") this.#tear(line, "requests", bytes);
    else line.bus.write(bytes);
  }

  #onAnswer(line: Line, bytes: Buffer): void {
    const fault = this.#faultOf(line);
    if (line.numb || line.torn.answers || fault?.kind === "answers_swallowed") this.#tear(line, "answers", bytes);
    else if (fault?.kind === "answers_held") this.#hold(line, bytes, fault.ms);
    else {
      // What was held before goes first.
      release(line);
      line.client.write(bytes);
    }
  }

  /** What ails this line at the moment. One whose name is not known yet is nobody's. */
  #faultOf({ name }: Line): WireFault | undefined {
    if (!this.#spoiling) return undefined;
    const { fault, whose } = this.#spoiling;
    return whose === undefined || (name !== undefined && whose.test(name)) ? fault : undefined;
  }

  #tear(line: Line, direction: keyof Line["torn"], bytes: Buffer): void {
    line.torn[direction] = true;
    this.#count(bytes);
  }

  #hold(line: Line, bytes: Buffer, ms: number): void {
    this.#count(bytes);
    const timer = setTimeout(() => {
      line.held.shift();
      line.client.write(bytes);
    }, ms);
    line.held.push({ bytes, timer });
  }

  #count(bytes: Buffer): void {
    this.#spoiltBytes += bytes.length;
    this.#nextSpoilt.resolve();
    this.#nextSpoilt = Promise.withResolvers();
  }

  #drop(line: Line): void {
    if (!this.#forget(line)) return;
    line.client.resetAndDestroy();
    line.bus.resetAndDestroy();
  }

  /** False when it was forgotten before. */
  #forget(line: Line): boolean {
    for (const { timer } of line.held) clearTimeout(timer);
    return this.#lines.delete(line);
  }
}

/** Gives on what was held, in its order. */
function release(line: Line): void {
  for (const { bytes, timer } of line.held.splice(0)) {
    clearTimeout(timer);
    line.client.write(bytes);
  }
}
