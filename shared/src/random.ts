// Randomness as a parameter: production takes it from the host, simulation and faults from a printed seed.

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  bytes(length: number): Uint8Array;
}

/** Asked of the host in one call: a call a number took a fifth of the edge's time (measured in Node). 1 KiB. */
const wordsAtOnce = 256;

/** Randomness of a host's Web Crypto: `randomOf(globalThis.crypto)`. */
export function randomOf(crypto: { getRandomValues(array: Uint32Array<ArrayBuffer>): unknown }): Random {
  const words = new Uint32Array(wordsAtOnce);
  let used = wordsAtOnce;
  const next = () => {
    if (used === wordsAtOnce) {
      crypto.getRandomValues(words);
      used = 0;
    }
    const word = words[used] ?? 0;
    used += 1;
    return word / 2 ** 32;
  };
  return { next, bytes: (length) => bytesOf(next, length) };
}

/** The same sequence for the same seed (mulberry32: small, well spread, not for secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (length) => bytesOf(next, length) };
}

function bytesOf(next: () => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = Math.floor(next() * 256);
  return bytes;
}
