// One unit of work on one connection: all of it is committed or none of it is there.
import type { Client, Pool, PoolClient } from "pg";

/** Rejects with what `work` rejected with, also when the rollback fails too: then the connection is closed, which rolls back. */
export async function inTransaction<T>(db: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await db.connect();
  try {
    const result = await inTransactionOf(client, () => work(client));
    client.release();
    return result;
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}

/** The same on a connection of the caller's. */
export async function inTransactionOf<T>(client: Client | PoolClient, work: () => Promise<T>): Promise<T> {
  try {
    await client.query("begin");
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}
