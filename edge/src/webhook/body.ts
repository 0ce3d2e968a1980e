// Reads a request's raw bytes up to a limit and a deadline, whatever its length header says: signatures are computed over exactly these
// bytes. Of a body that did not come whole nothing is left.
import type { Clock } from "@mio/shared/clock.ts";
import { within } from "@mio/shared/within.ts";

/** 1 MiB: no platform that we know sends more. */
export const bodyBytesMax = 1024 * 1024;

/** A platform gives up after about 3,000 ms. The Node host's own bound for headers and body together is the same. */
const bodyWithinMs = 10_000;

export type Body =
  | { kind: "body"; bytes: Uint8Array<ArrayBuffer> }
  | { kind: "too_large" }
  | { kind: "too_slow" }
  /** The client went away. */
  | { kind: "cut_short" };

/** Never rejects. */
export async function readBodyWithin(request: Request, clock: Clock): Promise<Body> {
  if (request.body === null) return { kind: "body", bytes: new Uint8Array() };
  try {
    return await within(clock, bodyWithinMs, readBody(request), { kind: "too_slow" } as const);
  } catch {
    return { kind: "cut_short" };
  }
}

/** Stops reading as soon as the limit is passed. Rejects when the client goes away in between. */
export async function readBody(request: Request, limit = bodyBytesMax): Promise<Body> {
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > limit) return { kind: "too_large" };
  if (request.body === null) return { kind: "body", bytes: new Uint8Array() };
  // HTTP lets a body be no longer than its header says, so it may be had in one piece: a third of what reading a stream costs in workerd.
  // In chunks it may be of any length: then the header is no promise, and workerd goes by the chunks.
  const bounded = length !== null && !request.headers.has("transfer-encoding");
  return !bounded ? readStream(request.body, limit) : boundedBy(limit, new Uint8Array(await request.arrayBuffer()));
}

function boundedBy(limit: number, bytes: Uint8Array<ArrayBuffer>): Body {
  return bytes.length > limit ? { kind: "too_large" } : { kind: "body", bytes };
}

async function readStream(stream: ReadableStream<Uint8Array>, limit: number): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > limit) {
      await reader.cancel();
      return { kind: "too_large" };
    }
    chunks.push(part.value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return { kind: "body", bytes };
}
