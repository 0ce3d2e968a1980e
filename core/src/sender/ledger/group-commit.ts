// Group commit: what is asked for while one statement runs goes together into the next. One statement in flight, so a burst takes few
// connections and few round trips, and a single request still goes at once.
import type { Clock } from "@mio/shared/clock.ts";
import { DatabaseError } from "pg";

interface GroupCommit<Item, Result> {
  /** Rejects when the database refuses this very item, or when the signal was aborted while the database was away. */
  add(item: Item): Promise<Result>;
}

interface GroupCommitOptions<Item, Result> {
  /** One statement for all items; the results stand in the order of the items. It must be safe to repeat. */
  write: (items: readonly Item[]) => Promise<readonly Result[]>;
  groupMax: number;
  clock: Clock;
  /** Ends the waiting for a database that is away. */
  signal: AbortSignal;
  onRetry: (error: unknown) => void;
}

const retryEveryMs = 200;

/** Each item gets its own result, whatever becomes of the others in its statement. */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  interface Waiting {
    item: Item;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    // What is asked for in the same turn of the event loop travels together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting.slice(0, options.groupMax);
      waiting = waiting.slice(options.groupMax);
      await writeGroup(group);
    }
    running = false;
  }

  async function writeGroup(group: readonly Waiting[]): Promise<void> {
    for (;;) {
      try {
        const results = await options.write(group.map(({ item }) => item));
        for (const [index, { resolve, reject }] of group.entries()) {
          const result = results[index];
          if (result === undefined) reject(new Error("the statement gave no result for an item"));
          else resolve(result);
        }
        return;
      } catch (error) {
        if (isRefusalOfData(error)) {
          // One poison item must not take the others with it.
          if (group.length > 1) for (const each of group) await writeGroup([each]);
          else group[0]?.reject(error);
          return;
        }
        if (options.signal.aborted) {
          for (const { reject } of group) reject(error);
          return;
        }
        options.onRetry(error);
        await options.clock.sleep(retryEveryMs, options.signal).catch(() => {});
      }
    }
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!running) void run();
      }),
  };
}

/** Classes 21, 22, 23, 42 and 54 of SQLSTATE: the statement or its data are at fault, and will be however often it is tried. */
export function isRefusalOfData(error: unknown): boolean {
  return error instanceof DatabaseError && /^(21|22|23|42|54)/.test(error.code ?? "");
}
