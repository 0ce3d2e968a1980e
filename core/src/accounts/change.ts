// A change of an account, as others hear of it: a new row version, which the edge goes by, and a notification for who publishes. Nobody else
// draws one, so none can be forgotten beside the other.
import type { PoolClient } from "pg";

/** Tells the directory's loop, in any process, that there is something to publish. */
export const directoryNotification = "mio_directory";

/** In the transaction of the change: it is heard when that commits. A new account has its first version by itself. */
export async function announceChange(client: Pick<PoolClient, "query">, accountId: string): Promise<void> {
  await client.query("update accounts set row_version = nextval('directory_row_version') where id = $1", [accountId]);
  await announce(client);
}

/** As `announceChange`, of an account that was made just now. */
export async function announce(client: Pick<PoolClient, "query">): Promise<void> {
  await client.query(`notify ${directoryNotification}`);
}
