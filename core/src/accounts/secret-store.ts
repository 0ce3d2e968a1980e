// The ring, and the pepper under which secrets are indexed. The pepper is random and stands sealed in the database beside what it indexes: it
// comes with every backup, a rotation of the ring seals it again like any secret and leaves every index as it is, and whoever has the database
// alone has no pepper. (Derived from a key of the ring it would change with the ring, and every index with it.)
import { randomBytes } from "node:crypto";
import type { SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { indexOfSecret, refusalText, type SecretPlace, type SecretRing, secretRingOf } from "./sealing.ts";

export type IndexSecret = (purpose: string, secret: { scheme: string; value: string }) => Buffer;

export interface SecretStore {
  ring: SecretRing;
  /**
   * What statements that write secrets need. Asked for before their transaction, for it takes a connection of its own. Rejects, and says which
   * key is missing, when the pepper does not open.
   */
  forWriting(): Promise<SecretWriter>;
}

export interface SecretWriter {
  ring: SecretRing;
  indexOf: IndexSecret;
}

const pepperBytes = 32;
const pepperPlace: SecretPlace = { tenantId: "", accountId: "", purpose: "pepper", scheme: "" };

const pepperRow = v.object({ key_name: v.string(), sealed: v.instance(Uint8Array) });

/** Asks the database only once it is needed, and remembers the pepper, which never changes. */
export function createSecretStore(db: Pick<Pool, "query">, keys: readonly SealingKey[]): SecretStore {
  const ring = secretRingOf(keys);
  let known: SecretWriter | undefined;
  return {
    ring,
    forWriting: async () => {
      if (known === undefined) {
        const pepper = Buffer.from(await pepperOf(db, ring), "base64");
        known = { ring, indexOf: (purpose, secret) => indexOfSecret(pepper, purpose, secret) };
      }
      return known;
    },
  };
}

/** The one that is there, else a new one. Several at once get the same. */
async function pepperOf(db: Pick<Pool, "query">, ring: SecretRing): Promise<string> {
  const present = await selectPepper(db, ring);
  if (present !== undefined) return present;
  const { keyName, bytes } = ring.seal(pepperPlace, randomBytes(pepperBytes).toString("base64"));
  await db.query("insert into secret_pepper (key_name, sealed) values ($1, $2) on conflict do nothing", [keyName, bytes]);
  const kept = await selectPepper(db, ring);
  if (kept === undefined) throw new Error("the pepper was not written");
  return kept;
}

async function selectPepper(db: Pick<Pool, "query">, ring: SecretRing): Promise<string | undefined> {
  const { rows } = await db.query("select key_name, sealed from secret_pepper");
  if (rows.length === 0) return undefined;
  const { key_name: keyName, sealed } = v.parse(pepperRow, rows[0]);
  const opened = ring.open(pepperPlace, { keyName, bytes: sealed });
  if (opened.kind === "opened") return opened.value;
  throw new Error(`the database's index of secrets cannot be used: ${refusalText(opened)}; put that key back behind the others`);
}

/** Seals it with the ring's first key. False when it was so already, or there is none. */
export async function resealPepper(client: PoolClient, ring: SecretRing): Promise<boolean> {
  const { rows } = await client.query("select key_name from secret_pepper where key_name <> $1 for update", [ring.sealsWith]);
  const pepper = rows.length === 0 ? undefined : await selectPepper(client, ring);
  if (pepper === undefined) return false;
  const { keyName, bytes } = ring.seal(pepperPlace, pepper);
  await client.query("update secret_pepper set key_name = $1, sealed = $2", [keyName, bytes]);
  return true;
}
