// A value that only holders of a key can read or make, bound to where it stands: AES-256-GCM over the bytes, with bucket, key, row version
// and key id as additional data. Moved, changed, renamed or made by a stranger, it does not open.
import { create, toBinary } from "@bufbuild/protobuf";
import { type SealedValue, SealedValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Random } from "../../random.ts";
import { isToken } from "../names/subjects.ts";
import { decodeVersioned, edgeVersion, type Unreadable } from "./ingress-group.ts";

export interface SealingKey {
  id: string;
  /** 32 of them. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Where a value stands. Both are subject tokens. */
export interface SealedPlace {
  bucket: string;
  key: string;
}

export type Opened =
  | { kind: "opened"; bytes: Uint8Array<ArrayBuffer>; rowVersion: bigint; sealedWith: string }
  | Unreadable
  | { kind: "refused"; reason: "unknown_key" | "not_authentic" };

export interface Opener {
  /** Names of the keys that it holds: the id and a fingerprint, so that another key under an old id is another name. Not secret. */
  readonly keys: readonly string[];
  /** Never rejects: whatever stands in a bucket may be anybody's. */
  open(place: SealedPlace, bytes: Uint8Array): Promise<Opened>;
}

export interface Sealer extends Opener {
  /** The name of the key that seals. */
  readonly sealsWith: string;
  /** Throws at a place that is no token and at a negative version: faults of the caller. */
  seal(place: SealedPlace, rowVersion: bigint, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** More than a rotation ever needs; each is tried only for its own id. */
const keysMax = 8;
/** What GCM is made for (NIST SP 800-38D); random ones are safe up to 2^32 sealings with one key. */
const nonceBytes = 12;
const tagBytes = 16;

/** How an operator makes a good value, for messages. */
export const sealingKeysExample = "key-1:$(openssl rand -base64 32)";

/** Reads `id:base64,id:base64`, 32 bytes each, the newest first. Undefined when it is anything else. */
export function parseSealingKeys(text: string): SealingKey[] | undefined {
  const keys: SealingKey[] = [];
  for (const part of text.trim().split(",")) {
    const [, id, base64] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(part.trim()) ?? [];
    if (id === undefined || base64 === undefined || keys.some((key) => key.id === id)) return undefined;
    keys.push({ id, bytes: Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)) });
  }
  return keys.length > keysMax ? undefined : keys;
}

export function openerOf(keys: readonly SealingKey[]): Opener {
  const held = new Map(keys.map((key) => [key.id, { name: keyNameOf(key), key: importer(key) }]));
  return {
    keys: keys.map(keyNameOf),
    open: async (place, bytes) => {
      const decoded = decodeVersioned(SealedValueSchema, bytes);
      if (decoded.kind !== "decoded") return decoded;
      const sealed = decoded.value;
      const own = held.get(sealed.keyId);
      if (own === undefined) return { kind: "refused", reason: "unknown_key" };
      if (sealed.nonce.length !== nonceBytes || sealed.ciphertext.length < tagBytes)
        return { kind: "refused", reason: "not_authentic" };
      try {
        const parameters = parametersOf(place, sealed);
        const plain = await crypto.subtle.decrypt(parameters, await own.key(), sealed.ciphertext.slice());
        return { kind: "opened", bytes: new Uint8Array(plain), rowVersion: sealed.rowVersion, sealedWith: own.name };
      } catch {
        return { kind: "refused", reason: "not_authentic" };
      }
    },
  };
}

/** Seals with the first key and opens with any. Throws without a key. `random` must be the host's own: a nonce used twice breaks the key. */
export function sealerOf(keys: readonly SealingKey[], random: Random): Sealer {
  const [newest] = keys;
  if (newest === undefined) throw new Error("there is no key to seal with");
  const key = importer(newest);
  return {
    ...openerOf(keys),
    sealsWith: keyNameOf(newest),
    seal: async (place, rowVersion, bytes) => {
      if (!isToken(place.bucket) || !isToken(place.key)) throw new Error(`nothing is sealed for ${place.bucket} ${place.key}`);
      if (rowVersion < 0n) throw new Error(`nothing is sealed with the version ${rowVersion}`);
      const nonce = Uint8Array.from(random.bytes(nonceBytes));
      const sealed = create(SealedValueSchema, { version: edgeVersion, keyId: newest.id, nonce, rowVersion });
      const ciphertext = await crypto.subtle.encrypt(parametersOf(place, sealed), await key(), bytes);
      return toBinary(SealedValueSchema, { ...sealed, ciphertext: new Uint8Array(ciphertext) });
    },
  };
}

/** Its id, and a fingerprint of its bytes. Not secret. */
export function keyNameOf({ id, bytes }: SealingKey): string {
  return `${id}:${bytesToHex(sha256(bytes)).slice(0, 16)}`;
}

/** The key is kept, its promise is not: workerd forbids one request to wait for another's. */
function importer({ bytes }: SealingKey): () => Promise<CryptoKey> {
  let imported: CryptoKey | undefined;
  return async () => {
    imported ??= await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    return imported;
  };
}

/** Both halves must agree on the additional data to the byte: it is wire format as the message is. No part can hold a line's end. */
function parametersOf({ bucket, key }: SealedPlace, { version, keyId, nonce, rowVersion }: SealedValue) {
  const additional = ["mio.edge.v1.SealedValue", version, bucket, key, rowVersion, keyId].join("\n");
  return {
    name: "AES-GCM",
    iv: nonce.slice(),
    additionalData: new TextEncoder().encode(additional),
    tagLength: 8 * tagBytes,
  };
}
