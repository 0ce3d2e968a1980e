// Text and JSON out of bytes that anybody may have sent. What cannot be read is undefined, never an exception: no JSON text says undefined.

export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function jsonOfBytes(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  return text === undefined ? undefined : jsonOf(text);
}
