// What an owner does beside sending: accounts are read anew, and commands end that no call will end.
import { cancelCommand, expireCommands } from "../ledger/queue.ts";
import { drop, type Sending } from "./carry-out.ts";

const everyMs = 1_000;
const expireMax = 500;

/** Until the owner stops; `onDone` after each turn. */
export async function keepUp(sending: Sending, onDone: () => void): Promise<void> {
  const { context, stop, accounts, schedule } = sending;
  const { clock, db, log } = context;
  while (!stop.aborted) {
    await clock.sleep(everyMs, stop).catch(() => {});
    if (stop.aborted) return;
    try {
      await accounts.refresh(() => schedule.sizes().keys());
      for (const done of await expireCommands(db, expireMax)) drop(sending, done);
    } catch (error) {
      log.warn({ err: error }, "the sender's upkeep waits for Postgres");
    }
    onDone();
  }
}

/** Ends the command that cancels another, and that other where it is still there to cancel. */
export async function cancel(sending: Sending, id: string): Promise<void> {
  for (const done of await cancelCommand(sending.context.db, id)) drop(sending, done);
}
