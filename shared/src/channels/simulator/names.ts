// Platform ids made of names that a person would use: always the same id for the same name, and shaped as the platform's own.
import { sha256 } from "@noble/hashes/sha2.js";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** `prefix` and `length` characters of 0-9 and A-Z, computed from `name`. */
export function idOfName(prefix: string, name: string, length: number): string {
  const hash = sha256(new TextEncoder().encode(name));
  let id = prefix;
  for (let index = 0; index < length; index += 1) id += digits[(hash[index % hash.length] ?? 0) % digits.length];
  return id;
}

/** A whole number in [0, below), computed from `name`. `below` is at most 2^53 - 1. */
export function numberOfName(name: string, below: number): number {
  const hash = sha256(new TextEncoder().encode(name));
  let value = 0n;
  for (const byte of hash.slice(0, 8)) value = (value << 8n) | BigInt(byte);
  return Number(value % BigInt(below));
}

/** `length` random characters of 0-9, a-z and A-Z, for secrets and tokens. */
export function randomText(random: { bytes(length: number): Uint8Array }, length: number): string {
  const alphabet = `${digits}${digits.slice(10).toLowerCase()}`;
  return Array.from(random.bytes(length), (byte) => alphabet[byte % alphabet.length]).join("");
}
