// What the bucket of positions says of a partition: its owner, the owner's epoch, and how far it is read, in which stream. Here only is
// its form known. An entry that cannot be read belongs to nobody, and stays as it is until a person mends it.
import * as v from "valibot";
import type { Position } from "../position.ts";
import type { PositionStore } from "./position-store.ts";

export interface Entry extends Position {
  /** Empty when it was given back. */
  owner: string;
  epoch: number;
  /** The stream that the position counts in. Absent: written before this was known, or by who may not ask; taken for the present one. */
  streamEpochMs?: number | undefined;
}

export interface FoundEntry {
  revision: number;
  entry: Entry;
}

export interface Entries {
  /** Undefined when it was never written. */
  read(partition: string): Promise<FoundEntry | undefined>;
  /** The new revision; undefined when the entry has moved on since `revision`. Rejects when nobody knows. */
  write(partition: string, entry: Entry, revision: number): Promise<number | undefined>;
}

/** No instance is called so: nobody claims from it. */
export const unreadableOwner = "?";
const nobody: Entry = { owner: "", epoch: 0, position: 0, finished: [] };

/** As it stands in the bucket, where the stream's epoch is called `generation`. */
const entrySchema = v.pipe(
  v.object({
    owner: v.string(),
    epoch: v.number(),
    position: v.number(),
    finished: v.array(v.number()),
    generation: v.optional(v.number()),
  }),
  v.transform(({ generation, ...entry }): Entry => ({ ...entry, streamEpochMs: generation })),
);

/** The entries of one group. */
export function entriesOf(store: PositionStore, group: string, onTrouble: (error: unknown) => void): Entries {
  const keyOf = (partition: string) => `${group}.${partition}`;
  return {
    async read(partition) {
      const found = await store.read(keyOf(partition));
      if (found === undefined) return undefined;
      const entry = decodeEntry(found.value);
      if (entry !== undefined) return { revision: found.revision, entry };
      onTrouble(
        new Error(
          `${keyOf(partition)} is not readable as owner and position; nobody reads this partition until it is mended or deleted`,
        ),
      );
      return { revision: found.revision, entry: { ...nobody, owner: unreadableOwner } };
    },
    write: (partition, entry, revision) => store.write(keyOf(partition), encodeEntry(entry), revision),
  };
}

/** Undefined when it cannot be read. An emptied one (deleted by a person) is nobody's. */
export function decodeEntry(value: Uint8Array): Entry | undefined {
  if (value.length === 0) return nobody;
  const parsed = v.safeParse(entrySchema, decodeJson(value));
  return parsed.success ? parsed.output : undefined;
}

export function encodeEntry({ owner, epoch, streamEpochMs, position, finished }: Entry): Uint8Array {
  return encodeJson({ owner, epoch, generation: streamEpochMs, position, finished });
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Undefined when it is none. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
