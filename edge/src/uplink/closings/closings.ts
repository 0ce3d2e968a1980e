// What an uplink takes no more: accounts' older shard layouts. Closing one writes the refusal to disk, and puts a closing marker (LayoutClosed) behind all that
// was taken under it; only when core has read that does a moved conversation go on in another uplink.
//
// Why this is right:
//  1. The refusal is on disk before the closing marker can be anywhere, so an object that starts again behind it refuses too, however old the directory of
//     whoever calls.
//  2. In memory it is refused first and published then, so what was taken before stands in front of the closing marker: in the queue, in the spool, on the
//     bus.
//  3. An object that was replaced and does not know it yet may still publish what it had taken, without touching its storage. Whoever
//     called it hears 503 after its own deadline, whatever comes of it. So a new object publishes no closing marker before that deadline is over
//     for all that its predecessor took: what was answered 200 is on the bus by then, in front.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { encodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import type { Clock } from "@mio/shared/clock.ts";

/** Layouts of an account that are older than a version, at one edge. */
export interface Closing {
  accountId: string;
  /** Of the layout that replaces them. */
  layoutVersion: number;
  /** Whose uplink says so: the edge's own region. */
  edge: string;
}

/** Storage that outlives the process: one number an account. */
export interface ClosingStore {
  /** For so long after its start an uplink may not be the only one of its name that publishes. */
  readonly notAloneForMs: number;
  /** By account, the layout version below which nothing is taken. Throws when the storage fails. */
  read(): Map<string, number>;
  /** Committed when it resolves; never lowers. Rejects when the storage fails. */
  write(accountId: string, layoutVersion: number): Promise<void>;
}

/** Core may have passed over a marker that it could not read: it is published again while somebody still asks. */
const publishedForMs = 30_000;

export class Closings<Published extends { kind: string }> {
  readonly #store: ClosingStore;
  readonly #clock: Clock;
  readonly #aloneFromMs: number;
  readonly #refusals: Map<string, number>;
  readonly #published = new Map<string, { layoutVersion: number; atMs: number; marker: Promise<Published> }>();

  constructor(store: ClosingStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#aloneFromMs = clock.monotonicMs() + store.notAloneForMs;
    this.#refusals = store.read();
  }

  refuses({ accountId, layoutVersion }: { accountId: string; layoutVersion: number }): boolean {
    return layoutVersion < (this.#refusals.get(accountId) ?? 0);
  }

  /** Calls `publish` once for many calls of one closing. Resolves with what came of it; rejects when the storage fails. */
  close(closing: Closing, publish: (marker: Uint8Array<ArrayBuffer>) => Promise<Published>): Promise<Published> {
    const { accountId, layoutVersion } = closing;
    const before = this.#published.get(accountId);
    const nowMs = this.#clock.monotonicMs();
    if (before && before.layoutVersion >= layoutVersion && nowMs - before.atMs < publishedForMs) return before.marker;
    const marker = this.#close(closing, publish);
    const published = { layoutVersion, atMs: nowMs, marker };
    this.#published.set(accountId, published);
    const forget = () => void (this.#published.get(accountId) === published && this.#published.delete(accountId));
    marker.then(({ kind }) => kind !== "stored" && forget(), forget);
    return marker;
  }

  async #close(
    { accountId, layoutVersion, edge }: Closing,
    publish: (marker: Uint8Array<ArrayBuffer>) => Promise<Published>,
  ): Promise<Published> {
    await this.#store.write(accountId, layoutVersion);
    this.#refusals.set(accountId, Math.max(layoutVersion, this.#refusals.get(accountId) ?? 0));
    const waitMs = this.#aloneFromMs - this.#clock.monotonicMs();
    if (waitMs > 0) await this.#clock.sleep(waitMs);
    return publish(
      encodeIngressEvent({
        accountId,
        receivedAt: timestampFromMs(this.#clock.nowMs()),
        body: { case: "layoutClosed", value: { generation: BigInt(layoutVersion), edge } },
      }),
    );
  }
}
