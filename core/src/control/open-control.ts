// What operations are given, opened for one piece of work and closed behind it.
import type { SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";
import { Pool } from "pg";
import { readySecretStore } from "../accounts/seal-plain.ts";
import type { Actor } from "./actor.ts";
import type { Control } from "./control.ts";

const connectWithinMs = 5_000;

export interface OpenedControl extends Pick<Control, "db" | "actor">, AsyncDisposable {
  /** With what seals secrets. Those that an older version left plain are sealed first. */
  withSecrets(keys: readonly SealingKey[]): Promise<Control>;
}

/** Rejects with what the driver says when the database is not reached. */
export async function openControl(dsn: string, name: string, actor: Actor): Promise<OpenedControl> {
  const db = new Pool({ connectionString: dsn, max: 2, connectionTimeoutMillis: connectWithinMs, application_name: name });
  // Unheard, a connection that the server closes would end the process; its next use says so.
  db.on("error", () => undefined);
  try {
    await db.query("select 1");
  } catch (error) {
    await db.end();
    throw error;
  }
  return {
    db,
    actor,
    withSecrets: async (keys) => ({ db, actor, secrets: await readySecretStore(db, keys) }),
    [Symbol.asyncDispose]: () => db.end(),
  };
}
