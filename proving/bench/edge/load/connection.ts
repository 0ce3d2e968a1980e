// One kept-alive HTTP/1.1 connection with one request on it at a time, as lean as it can be: whole requests go out as they lie in memory,
// and of an answer only its status and its end are read.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** In place of a status: the edge closed the connection before it answered. */
const unanswered = 0;

const nothing = Buffer.alloc(0);
const headEnd = "\r\n\r\n";

/** Resolves when it is connected. */
export async function connectTo(port: number): Promise<Connection> {
  const connection = new Connection(port);
  await connection.open();
  return connection;
}

export class Connection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer = nothing;
  #answered: ((status: number) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    await once(this.#connect(), "connect");
  }

  /** `answered` gets the status once the whole answer is here. A connection that was lost is dialled again. */
  send(request: Buffer, answered: (status: number) => void): void {
    this.#answered = answered;
    const socket = this.#socket ?? this.#connect();
    socket.write(request);
  }

  close(): void {
    this.#answered = undefined;
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    socket.on("data", (data: Buffer) => this.#read(data));
    // What went wrong, the end of the connection tells.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#socket = undefined;
      this.#received = nothing;
      this.#answer(unanswered);
    });
    this.#socket = socket;
    return socket;
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
    this.#answer(Number(text.slice(9, 12)));
  }

  #answer(status: number): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status);
  }
}
