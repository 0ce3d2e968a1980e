// One kept-alive HTTP/1.1 connection with one request on it at a time, as lean as it can be: whole requests go out as they lie in memory,
// and of an answer only its status and its end are read.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Resolves when it is connected. */
export async function connectTo(port: number): Promise<Connection> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return new Connection(socket);
}

const nothing = Buffer.alloc(0);
const headEnd = "\r\n\r\n";

export class Connection {
  readonly #socket: Socket;
  #received: Buffer = nothing;
  #answered: ((status: number) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.on("error", (error) => this.#failed?.(error));
    socket.on("close", () => this.#failed?.(new Error("the edge closed a connection before it answered")));
  }

  /** `answered` gets the status once the whole answer is here. */
  send(request: Buffer, answered: (status: number) => void, failed: (error: Error) => void): void {
    this.#answered = answered;
    this.#failed = failed;
    this.#socket.write(request);
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const head = this.#received.indexOf(headEnd);
    if (head < 0) return;
    const text = this.#received.toString("latin1", 0, head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    // Chunked when it says no length: an empty last chunk ends it.
    const whole =
      length === undefined
        ? this.#received.toString("latin1").endsWith("0\r\n\r\n")
        : this.#received.length >= head + headEnd.length + Number(length);
    if (!whole) return;
    this.#received = nothing;
    this.#answered?.(Number(text.slice(9, 12)));
  }
}
