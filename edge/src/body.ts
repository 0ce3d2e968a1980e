// Reads a request's raw bytes up to a limit, whatever its length header says: signatures are computed over exactly these bytes.

/** 1 MiB: no platform that we know sends more. */
export const bodyBytesMax = 1024 * 1024;

export type Body = { kind: "body"; bytes: Uint8Array<ArrayBuffer> } | { kind: "too_large" };

/** Stops reading as soon as the limit is passed. Rejects when the client goes away in between. */
export async function readBody(request: Request, limit = bodyBytesMax): Promise<Body> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return { kind: "too_large" };
  if (request.body === null) return { kind: "body", bytes: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
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
