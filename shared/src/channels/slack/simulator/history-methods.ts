// Reading back: a channel newest first without the replies, a thread oldest first with its parent.
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import type { Call, Result } from "./call.ts";
import { channelOf } from "./channels.ts";
import { outsidePrefix } from "./events.ts";
import { messageJson } from "./message-json.ts";

const limitDefault = 100;
const limitMax = 999;

export function conversationsHistory(call: Call): Result {
  const conversation = channelOf(call, call.args.channel ?? "");
  if (!conversation) return refused("channel_not_found");
  if (conversation.name.startsWith(outsidePrefix)) return refused("not_in_channel");
  const visible = [...conversation.messages.values()].filter(
    (message) => !message.deleted && (message.thread === "" || message.extra.broadcast === "true") && isInRange(call, message),
  );
  return page(call, conversation, visible.reverse());
}

export function conversationsReplies(call: Call): Result {
  const conversation = channelOf(call, call.args.channel ?? "");
  if (!conversation) return refused("channel_not_found");
  const named = conversation.messages.get(call.args.ts ?? "");
  if (!named) return refused("thread_not_found");
  const root = named.thread === "" ? named.id : named.thread;
  const all = [...conversation.messages.values()].filter((message) => message.id === root || message.thread === root);
  return page(
    call,
    conversation,
    all.filter((message) => !message.deleted && (message.id === root || isInRange(call, message))),
  );
}

/** `ts` have a fixed width, so text order is time order. */
function isInRange({ args }: Call, { id }: SimulatedMessage): boolean {
  const inclusive = args.inclusive === "true" || args.inclusive === "1";
  const { oldest = "", latest = "" } = args;
  const afterOldest = oldest === "" || oldest === "0" || id > padded(oldest) || (inclusive && id === padded(oldest));
  const beforeLatest = latest === "" || latest === "now" || id < padded(latest) || (inclusive && id === padded(latest));
  return afterOldest && beforeLatest;
}

/** Slack takes `1700000000` and `1700000000.1` too. */
function padded(ts: string): string {
  const [seconds = "", micros = ""] = ts.split(".");
  return `${seconds.padStart(10, "0")}.${micros.padEnd(6, "0")}`;
}

function page(call: Call, conversation: Conversation, messages: readonly SimulatedMessage[]): Result {
  const { app, args, kit } = call;
  const limit = Number(args.limit ?? limitDefault);
  if (!Number.isInteger(limit) || limit < 1) return refused("invalid_limit");
  const cursor = args.cursor ?? "";
  const start = cursor === "" ? 0 : messages.findIndex((message) => message.id === cursorTs(cursor));
  if (start < 0) return refused("invalid_cursor");
  const shown = messages.slice(start, start + Math.min(limit, limitMax));
  const next = messages[start + shown.length];
  const threads = repliesByRoot(conversation);
  const view = { app, conversation, baseUrl: kit.host.baseUrl };
  const withMetadata = args.include_all_metadata === "true" || args.include_all_metadata === "1";
  return {
    kind: "ok",
    body: {
      messages: shown.map((message) => ({
        ...messageJson(view, message),
        ...threadSummary(message, threads.get(message.id)),
        ...(withMetadata && message.extra.metadata !== undefined ? { metadata: JSON.parse(message.extra.metadata) } : {}),
      })),
      has_more: next !== undefined,
      response_metadata: { next_cursor: next ? btoa(`next_ts:${next.id}`) : "" },
    },
  };
}

function repliesByRoot(conversation: Conversation): Map<string, SimulatedMessage[]> {
  const threads = new Map<string, SimulatedMessage[]>();
  for (const message of conversation.messages.values()) {
    if (message.thread === "" || message.deleted) continue;
    const replies = threads.get(message.thread);
    if (replies) replies.push(message);
    else threads.set(message.thread, [message]);
  }
  return threads;
}

/** The first of a thread names itself as its thread. */
function threadSummary(message: SimulatedMessage, replies: readonly SimulatedMessage[] | undefined) {
  const last = replies?.at(-1);
  return replies && last ? { thread_ts: message.id, reply_count: replies.length, latest_reply: last.id } : {};
}

function cursorTs(cursor: string): string | undefined {
  try {
    return /^next_ts:(.+)$/.exec(atob(cursor))?.[1];
  } catch {
    return undefined;
  }
}

function refused(error: string): Result {
  return { kind: "refused", error };
}
