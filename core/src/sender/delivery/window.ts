// What of the ledger is in memory: every lane that has open work, but only the first few commands of each; the rest are read when a lane runs
// short. So memory grows with the conversations that wait, not with what waits in them, and no account's backlog hides another's.
import type { OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Pool } from "pg";
import type { Accounts } from "../accounts.ts";
import { beforeAll, type LanePlace, type OpenCommand, openCommandsAfter, openCommandsOfLane } from "../ledger/queue.ts";
import type { Command, Schedule } from "../schedule/schedule.ts";

export interface Window {
  /** Reads what came since the last time. */
  load(signal: AbortSignal): Promise<void>;
  /** Reads on in the lanes that have run short. */
  refill(): Promise<void>;
  isShort(): boolean;
  /** A command of this lane has left the schedule. */
  left(lane: string): void;
  commandOf(open: OpenCommand, nowMs: number): Command;
}

interface WindowOptions {
  db: Pool;
  schedule: Schedule;
  accounts: Pick<Accounts, "ensure">;
  doors: readonly OutboundDoor[];
  clock: Clock;
  /** A command that cancels another waits in no lane. */
  onCancel: (id: string) => void;
}

const pageMax = 1_000;
const laneMax = 32;
const laneRefillAt = 8;

interface LaneState {
  accountId: string;
  conversationId: string;
  /** The last place that is in memory. */
  last: LanePlace;
  /** The ledger has more of this lane than memory. */
  more: boolean;
}

/** A lane in memory is always a gapless beginning of the lane in the ledger. */
export function createWindow(options: WindowOptions): Window {
  const { db, schedule, accounts, doors, clock } = options;
  const lanes = new Map<string, LaneState>();
  const short = new Set<string>();
  let cursor = beforeAll;

  return { load, refill, isShort: () => short.size > 0, left, commandOf };

  async function load(signal: AbortSignal): Promise<void> {
    for (;;) {
      const page = await openCommandsAfter(db, cursor, pageMax);
      await accounts.ensure([...new Set(page.map((open) => open.accountId))]);
      const nowMs = clock.monotonicMs();
      for (const open of page) {
        cursor = open.place;
        if (open.cancelOf !== "" && open.state === "queued") options.onCancel(open.id);
        else offer(open, nowMs);
      }
      if (page.length < pageMax || signal.aborted) return;
    }
  }

  async function refill(): Promise<void> {
    for (const key of short) {
      const lane = lanes.get(key);
      if (lane !== undefined) {
        const page = await openCommandsOfLane(db, lane, lane.last, laneMax);
        const nowMs = clock.monotonicMs();
        lane.more = false;
        for (const open of page) offer(open, nowMs);
        lane.more ||= page.length === laneMax;
      }
      short.delete(key);
      left(key);
    }
  }

  /** What is in memory already, or has been passed over because its lane is full, is not taken. */
  function offer(open: OpenCommand, nowMs: number): void {
    const key = laneOf(open);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = { accountId: open.accountId, conversationId: open.conversationId, last: beforeAll, more: false };
      lanes.set(key, lane);
    }
    if (lane.more || !isAfter(open.place, lane.last)) return;
    if (schedule.laneSize(key) >= laneMax) {
      lane.more = true;
      return;
    }
    lane.last = open.place;
    schedule.add(commandOf(open, nowMs));
  }

  function left(key: string): void {
    const size = schedule.laneSize(key);
    if (lanes.get(key)?.more) {
      if (size <= laneRefillAt) short.add(key);
    } else if (size === 0) lanes.delete(key);
  }

  function commandOf(open: OpenCommand, nowMs: number): Command {
    const interrupted = open.state === "sending";
    const settleMs = doors.find(({ channel }) => channel.slug === open.channelType)?.channel.limits.settleMs ?? 0;
    const waitMs = interrupted ? Math.max(0, open.attemptEndsInMs) + settleMs : open.waitMs;
    const expiresMs = open.expiresInMs === undefined ? undefined : nowMs + open.expiresInMs;
    const { id, accountId, editOf } = open;
    return { id, accountId, lane: laneOf(open), editOf, dueMs: nowMs + waitMs, expiresMs, interrupted };
  }
}

function laneOf(open: OpenCommand): string {
  return `${open.accountId}/${open.conversationId}`;
}

function isAfter(a: LanePlace, b: LanePlace): boolean {
  return a.streamEpoch > b.streamEpoch || (a.streamEpoch === b.streamEpoch && a.streamSequence > b.streamSequence);
}
