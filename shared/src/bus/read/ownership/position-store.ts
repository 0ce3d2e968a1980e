// The bucket of positions as two verbs over plain requests: read a key with its revision, write it if that is still the last.
import type { Bus } from "../../client/connection.ts";
import { isFenceRefusal, lastMessageOf, publishAcked } from "../../client/jetstream-api.ts";
import { bucketStream, bucketSubject } from "../../names/streams.ts";

export interface PositionStore {
  /** Undefined when the key was never written. An emptied key (deleted by a person) has an empty value. */
  read(key: string): Promise<{ revision: number; value: Uint8Array } | undefined>;
  /** The new revision, or undefined when the key has moved on since `revision` (0: was never written). Rejects when nobody knows. */
  write(key: string, value: Uint8Array, revision: number): Promise<number | undefined>;
}

const timeoutDefaultMs = 2_000;

/** `bucket` is a JetStream key-value bucket that allows direct gets. */
export function positionStore(bus: Bus, bucket: string, timeoutMs = timeoutDefaultMs): PositionStore {
  return {
    async read(key) {
      const last = await lastMessageOf(bus, bucketStream(bucket), bucketSubject(bucket, key), timeoutMs);
      return last && { revision: last.sequence, value: last.data };
    },
    async write(key, value, revision) {
      const ack = await publishAcked(bus, bucketSubject(bucket, key), value, {
        timeoutMs,
        expectedLastSubjectSequence: revision,
      });
      if (ack.kind !== "refused") return ack.sequence;
      if (isFenceRefusal(ack.code)) return undefined;
      throw new Error(`bucket ${bucket} refused ${key}: ${ack.description} (${ack.code})`);
    },
  };
}
