// A quarantined request once more through the present normaliser, and what comes out into the ingress, as the edge would have put it
// there. Dedup knows the events by their own ids: however often this is done, and whether or not the platform's own retry got through,
// each appears once. Either all events of an entry are fed, or none.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { QuarantineEntry } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { publishAcked } from "@mio/shared/bus/client/jetstream-api.ts";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { inboundEventBytes } from "@mio/shared/bus/wire/inbound-event.ts";
import { encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { InboundDoor, Normalised, WebhookReading, WebhookRequest } from "@mio/shared/channels/contract/inbound.ts";
import type { AccountId } from "@mio/shared/ids.ts";
import { type Spread, shardIn } from "@mio/shared/layout.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import { holdLayout } from "../../accounts/layouts.ts";
import { readMove } from "../accounts/move.ts";
import { type Control, changing, type Note } from "../control.ts";
import type { Kept } from "./entries.ts";
import { ownerOf } from "./owner.ts";

interface ReplayTools extends Pick<Control, "db" | "actor"> {
  bus: Bus;
  doors: readonly InboundDoor[];
}

export interface Replayed {
  id: string;
  /** Whose it is now; empty when nobody's. */
  accountId: string;
  outcome: "fed" | "would_feed" | "ignored" | "refused" | "other_account";
  /** Why it is ignored or refused. Holds nobody's text. */
  reason: string;
  /** Of the messages that were, or would be, fed. */
  messageIds: string[];
}

const timeoutMs = 5_000;

/** `accountId` leaves out what belongs to another account. With `dryRun` nothing is published. */
interface ReplayOptions {
  accountId?: string | undefined;
  dryRun: boolean;
}

/** Rejects when the bus does not take a group; do it again then. */
export async function replayEntry(tools: ReplayTools, kept: Kept, options: ReplayOptions): Promise<Replayed> {
  const nothing = { id: kept.id, accountId: "", outcome: "refused" as const, messageIds: [] };
  if (kept.content.kind === "unreadable") return { ...nothing, reason: kept.content.reason };
  const { entry } = kept.content;
  const door = tools.doors.find(({ channel }) => channel.slug === entry.channelType);
  if (!door) return { ...nothing, reason: `there is no channel type ${JSON.stringify(entry.channelType)} here` };

  const webhook = door.read(requestOf(entry));
  const owner = await ownerOf(tools.db, entry, entry.workspaceExternalId || (webhook.workspace() ?? ""));
  const ownerId = owner.kind === "account" ? owner.account.accountId : owner.accountId;
  if (options.accountId !== undefined && options.accountId !== ownerId)
    return { ...nothing, accountId: ownerId, outcome: "other_account", reason: `it does not belong to ${options.accountId}` };
  if (owner.kind === "nobody") return { ...nothing, accountId: ownerId, reason: owner.reason };
  const { account, layout } = owner;
  const whose = { ...nothing, accountId: account.accountId };
  const normalised = normalise(webhook, account);
  if (normalised.kind === "malformed") return { ...whose, reason: `still not understood: ${normalised.reason}` };
  if (normalised.kind === "ignored") return { ...whose, outcome: "ignored", reason: normalised.reason };

  const arrival = { receivedAtMs: kept.receivedAtMs, region: entry.region, traceparent: "" };
  const shards = new Map<number, Uint8Array[]>();
  for (const event of normalised.events) {
    const bytes = inboundEventBytes(account, event, arrival);
    if (!bytes) return { ...whose, reason: "a message of it is at odds with the account" };
    const shard = shardIn(layout, event.message.conversationId);
    shards.set(shard, [...(shards.get(shard) ?? []), bytes]);
  }
  if (!options.dryRun) {
    const fed = await whileItStays(tools, account.accountId, layout, async (note) => {
      for (const [shard, events] of shards) await feed(tools.bus, layout, shard, events);
      const { tenantId, accountId } = account;
      note({ noun: "quarantine", verb: "replay", tenantId, accountId, subjectId: kept.id });
    });
    if (!fed) return { ...whose, reason: `account ${account.accountId} is being moved; try again in a few seconds` };
  }
  const messageIds = normalised.events.map(({ message }) => message.id);
  return { ...whose, outcome: options.dryRun ? "would_feed" : "fed", reason: "", messageIds };
}

/** As it came, but for what was not kept: nothing that a normaliser reads. */
function requestOf({ method, path, headers, body }: QuarantineEntry): WebhookRequest {
  return { method, url: `https://quarantine.invalid${path}`, headers: new Headers(headers), body: Uint8Array.from(body) };
}

function normalise(webhook: WebhookReading, account: InboundAccount): Normalised {
  try {
    return webhook.normalise(account);
  } catch {
    return { kind: "malformed", reason: "normalise_threw" };
  }
}

/**
 * False, without work, while the account's conversations are between two places: what is fed into the new one might overtake what an edge still
 * holds for the old one. No move can begin before the work is done, so all of it stands in front of the edges' closing markers.
 */
function whileItStays(
  control: Pick<Control, "db" | "actor">,
  id: AccountId,
  layout: Spread,
  work: (note: Note) => Promise<void>,
): Promise<boolean> {
  return changing(control, async (client, note) => {
    if (!(await holdLayout(client, id, layout)) || (await readMove(client, { id })).waits_for.length > 0) return false;
    await work(note);
    return true;
  });
}

/** The group's id is by chance: under one that comes again, the broker would drop another normaliser's better group. */
async function feed(bus: Bus, layout: Spread, shard: number, events: Uint8Array[]): Promise<void> {
  const id = bytesToHex(bus.random.bytes(16));
  const { region } = layout;
  const group = encodeIngressGroup({ id, region, shard, groupedAt: timestampFromMs(bus.clock.nowMs()), events });
  const ack = await publishAcked(bus, ingressSubject(region, shard), group, { timeoutMs, messageId: id });
  if (ack.kind === "refused")
    throw new Error(`the bus refused a replay: ${ack.description} (${ack.code}); nothing is lost, do it again`);
}
