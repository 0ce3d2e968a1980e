// Reads what a NATS client sends, over plain TCP or over a WebSocket, as far as the wire needs it: the name in its CONNECT line.

/** Bytes of one connection that are kept while no name was found; a CONNECT line is far shorter. */
const scannedBytesMax = 64 * 1024;
const requestStart = Buffer.from("GET ");
const requestEnd = Buffer.from("\r\n\r\n");

/** Follows one client's bytes. `push` gives the name once it is known, and looks no further afterwards. */
export class ConnectNameReader {
  #bytes: Buffer = Buffer.alloc(0);
  #carrier: "unknown" | "plain" | "websocket" = "unknown";
  #text = "";
  #given = false;

  push(chunk: Buffer): string | undefined {
    if (this.#given) return undefined;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const name = this.#read();
    if (name !== undefined || this.#bytes.length + this.#text.length > scannedBytesMax) {
      this.#given = true;
      this.#bytes = Buffer.alloc(0);
    }
    return name;
  }

  #read(): string | undefined {
    if (this.#carrier === "unknown") this.#start();
    if (this.#carrier === "plain") {
      this.#text += this.#bytes.toString("latin1");
      this.#bytes = Buffer.alloc(0);
    }
    if (this.#carrier === "websocket") {
      for (let frame = takeFrame(this.#bytes); frame; frame = takeFrame(this.#bytes)) {
        this.#bytes = frame.rest;
        this.#text += frame.payload.toString("latin1");
      }
    }
    const line = /(?:^|\n)CONNECT ([^\r\n]*)\r\n/.exec(this.#text)?.[1];
    if (line === undefined) return undefined;
    return /"name":"([^"]*)"/.exec(line)?.[1] ?? "";
  }

  /** A WebSocket begins with an HTTP request, and its frames come after that; a NATS client over TCP says its line at once. */
  #start(): void {
    if (this.#bytes.length < requestStart.length) return;
    if (!this.#bytes.subarray(0, requestStart.length).equals(requestStart)) {
      this.#carrier = "plain";
      return;
    }
    const end = this.#bytes.indexOf(requestEnd);
    if (end < 0) return;
    this.#bytes = this.#bytes.subarray(end + requestEnd.length);
    this.#carrier = "websocket";
  }
}

/** The first whole frame of the bytes (RFC 6455, section 5.2), unmasked. */
function takeFrame(bytes: Buffer): { payload: Buffer; rest: Buffer } | undefined {
  const second = bytes[1];
  if (second === undefined) return undefined;
  let length = second & 0x7f;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const masked = (second & 0x80) !== 0;
  const start = at + (masked ? 4 : 0);
  if (bytes.length < start + length) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  if (masked)
    for (let index = 0; index < length; index += 1) payload[index] = (payload[index] ?? 0) ^ (bytes[at + (index % 4)] ?? 0);
  return { payload, rest: bytes.subarray(start + length) };
}
