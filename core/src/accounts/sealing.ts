// A secret at rest: AES-256-GCM under a ring of keys, bound by its additional data to the one place where it may stand. The first key seals, all
// open. Read elsewhere (another tenant, account, purpose or scheme), changed, or under a key that the ring does not hold, it does not open.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { keyNameOf, type SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";

/** Whose it is and what for. Texts of any form: they are joined so that none can pass for two. */
export interface SecretPlace {
  tenantId: string;
  accountId: string;
  purpose: string;
  scheme: string;
}

export interface SealedSecret {
  /** The name of its key: the id, and a fingerprint, so that another key under an old id is another name. Not secret. */
  keyName: string;
  /** Nonce, ciphertext, tag. */
  bytes: Uint8Array;
}

export type OpenedSecret =
  | { kind: "opened"; value: string }
  | { kind: "refused"; keyName: string; reason: "unknown_key" | "not_authentic" };

export interface SecretRing {
  /** The name of the key that seals. */
  readonly sealsWith: string;
  seal(place: SecretPlace, value: string): SealedSecret;
  /** Never throws: what stands in a row may be anybody's. */
  open(place: SecretPlace, sealed: SealedSecret): OpenedSecret;
}

/** What GCM is made for; random ones are safe up to 2^32 sealings with one key (NIST SP 800-38D), and accounts are thousands. */
const nonceBytes = 12;
const tagBytes = 16;
const algorithm = "aes-256-gcm";

/** Throws without a key. */
export function secretRingOf(keys: readonly SealingKey[]): SecretRing {
  const [newest] = keys;
  if (newest === undefined) throw new Error("there is no key to seal secrets with: set MIO_SECRET_KEYS");
  const held = new Map(keys.map((key) => [keyNameOf(key), key.bytes]));
  const sealsWith = keyNameOf(newest);
  return {
    sealsWith,
    seal: (place, value) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, newest.bytes, nonce, { authTagLength: tagBytes });
      cipher.setAAD(additionalData(place, sealsWith));
      const ciphertext = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
      return { keyName: sealsWith, bytes: Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]) };
    },
    open: (place, { keyName, bytes }) => {
      const key = held.get(keyName);
      if (key === undefined) return { kind: "refused", keyName, reason: "unknown_key" };
      if (bytes.length < nonceBytes + tagBytes) return { kind: "refused", keyName, reason: "not_authentic" };
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAAD(additionalData(place, keyName));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
        return { kind: "opened", value: plain.toString("utf8") };
      } catch {
        return { kind: "refused", keyName, reason: "not_authentic" };
      }
    },
  };
}

/** What to say of one that does not open. */
export function refusalText({ keyName, reason }: Extract<OpenedSecret, { kind: "refused" }>): string {
  return reason === "unknown_key"
    ? `it is sealed with the key ${keyName}, which MIO_SECRET_KEYS does not hold`
    : `the key ${keyName} does not open it: it was changed, or moved from elsewhere`;
}

/** Equal for the same secret under the same pepper, and without the pepper no help to whoever guesses values. */
export function indexOfSecret(pepper: Uint8Array, purpose: string, { scheme, value }: { scheme: string; value: string }): Buffer {
  return createHmac("sha256", pepper)
    .update(JSON.stringify([purpose, scheme, value]))
    .digest();
}

function additionalData({ tenantId, accountId, purpose, scheme }: SecretPlace, keyName: string): Buffer {
  return Buffer.from(JSON.stringify(["mio/account_secret", 1, tenantId, accountId, purpose, scheme, keyName]));
}
