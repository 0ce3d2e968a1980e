// Reads a request's raw bytes up to a limit, whatever its length header says: signatures are computed over exactly these bytes.

/** 1 MiB: no platform that we know sends more. */
export const bodyBytesMax = 1024 * 1024;

export type Body = { kind: "body"; bytes: Uint8Array<ArrayBuffer> } | { kind: "too_large" };

/** Stops reading as soon as the limit is passed. Rejects when the client goes away in between. */
export async function readBody(request: Request, limit = bodyBytesMax): Promise<Body> {
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > limit) return { kind: "too_large" };
  if (request.body === null) return { kind: "body", bytes: new Uint8Array() };
  // HTTP lets a body be no longer than its header says, so it may be had in one piece: a third of what reading a stream costs in workerd.
  return length === null ? readStream(request.body, limit) : boundedBy(limit, new Uint8Array(await request.arrayBuffer()));
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
