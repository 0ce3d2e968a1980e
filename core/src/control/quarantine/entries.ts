// What lies in quarantine, read from its stream. Entries leave by age alone: they are evidence, so nothing here changes or removes one.
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { QuarantineEntry } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { apiRequest, messageOf, type StoredMessage } from "@mio/shared/bus/client/jetstream-api.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { isToken, quarantineSubjectsOf } from "@mio/shared/bus/names/subjects.ts";
import { decodeQuarantineEntry } from "@mio/shared/bus/wire/ingress-group.ts";
import * as v from "valibot";
import type { Account } from "../accounts/operation.ts";
import { AdminError } from "../admin-error.ts";

export interface Kept {
  id: string;
  channelType: string;
  sequence: number;
  /** By the edge's clock; when the stream took it, where the entry does not say. */
  receivedAtMs: number;
  content: { kind: "entry"; entry: QuarantineEntry } | { kind: "unreadable"; reason: string };
}

/** What is left out takes all. */
interface QuarantineFilter {
  channelType?: string | undefined;
  /** A part of the reason. */
  reason?: string | undefined;
  /** Entries of these accounts, and those without an account whose workspace is a live one's of these. */
  accounts?: readonly Account[] | undefined;
}

const stream = streams.quarantine.name;
const timeoutMs = 5_000;
/** Entries read side by side; each may have 1 MiB. */
const windowEntries = 16;

const streamState = v.object({ state: v.object({ first_seq: v.number(), last_seq: v.number() }) });

/** The newest `limit`, newest first. */
export async function listQuarantine(bus: Bus, filter: QuarantineFilter, limit: number): Promise<Kept[]> {
  const found: Kept[] = [];
  for await (const kept of newestFirst(bus)) {
    if (found.length >= limit) break;
    if (matches(kept, filter)) found.push(kept);
  }
  return found.sort((a, b) => b.receivedAtMs - a.receivedAtMs);
}

/**
 * The entries of exactly this reason, in the order in which they were received. The stream's own order is another one: entries come there
 * by several shards, and from spools.
 */
export async function* entriesOfReason(bus: Bus, reason: string): AsyncGenerator<Kept> {
  const found: { sequence: number; receivedAtMs: number }[] = [];
  for await (const { content, sequence, receivedAtMs } of newestFirst(bus))
    if (content.kind === "entry" && content.entry.reason === reason) found.push({ sequence, receivedAtMs });
  found.sort((a, b) => a.receivedAtMs - b.receivedAtMs || a.sequence - b.sequence);
  for (const { sequence } of found) {
    const stored = await messageOf(bus, stream, { seq: sequence }, timeoutMs);
    if (stored) yield keptOf(stored);
  }
}

/** In the stream's order, backwards. */
async function* newestFirst(bus: Bus): AsyncGenerator<Kept> {
  const { state } = await apiRequest(bus, `STREAM.INFO.${stream}`, undefined, streamState, timeoutMs);
  const oldest = Math.max(1, state.first_seq);
  for (let newest = state.last_seq; newest >= oldest; newest -= windowEntries) {
    const count = Math.min(windowEntries, newest - oldest + 1);
    const sequences = Array.from({ length: count }, (_, index) => newest - index);
    const window = await Promise.all(sequences.map((seq) => messageOf(bus, stream, { seq }, timeoutMs)));
    // What is missing has left by age meanwhile, or was erased.
    for (const stored of window) if (stored) yield keptOf(stored);
  }
}

/** Throws AdminError when there is none. */
export async function findQuarantined(bus: Bus, id: string): Promise<Kept> {
  const stored = isToken(id)
    ? await messageOf(bus, stream, { seq: 1, next_by_subj: quarantineSubjectsOf(id) }, timeoutMs)
    : undefined;
  if (!stored)
    throw new AdminError("not_found", `there is no quarantine entry ${JSON.stringify(id)}; "mio quarantine list" shows them`);
  return keptOf(stored);
}

function keptOf({ subject, sequence, data, storedAtMs }: StoredMessage): Kept {
  const [, , channelType = "", id = ""] = subject.split(".");
  const decoded = decodeQuarantineEntry(data);
  const kept = { id, channelType, sequence, receivedAtMs: storedAtMs };
  const unreadable = (reason: string): Kept => ({ ...kept, content: { kind: "unreadable", reason } });
  switch (decoded.kind) {
    case "quarantine": {
      const { entry } = decoded;
      const receivedAtMs = entry.receivedAt ? timestampMs(entry.receivedAt) : storedAtMs;
      return { ...kept, receivedAtMs, content: { kind: "entry", entry } };
    }
    case "newer_version":
      return unreadable(`written by a newer edge (version ${decoded.version}); use a newer core`);
    case "undecodable":
      return unreadable(`cannot be decoded: ${decoded.reason}`);
  }
}

function matches({ channelType, content }: Kept, filter: QuarantineFilter): boolean {
  if (filter.channelType !== undefined && filter.channelType !== channelType) return false;
  if (filter.reason !== undefined && !reasonOf(content).includes(filter.reason)) return false;
  if (filter.accounts === undefined) return true;
  if (content.kind === "unreadable") return false;
  const { accountId, workspaceExternalId } = content.entry;
  return filter.accounts.some((account) =>
    accountId === ""
      ? account.channel_type === channelType && account.external_id === workspaceExternalId && account.disabled_at === null
      : account.id === accountId,
  );
}

function reasonOf(content: Kept["content"]): string {
  return content.kind === "entry" ? content.entry.reason : content.reason;
}
