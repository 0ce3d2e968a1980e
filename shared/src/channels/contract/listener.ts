// The door by which events come over a socket that we open. No channel has it yet; it was tried on the pages of Discord's gateway (heartbeats, resumed
// sessions, shards: discord.com/developers/docs/events/gateway), Slack's socket mode (an address that serves once, an ack for each envelope:
// docs.slack.dev/apis/events-api/using-socket-mode) and Feishu's long connection (binary frames: open.feishu.cn, event subscription by long connection).
// What it hears goes through the same normaliser as a webhook.
import type { OutboundAccount } from "./account.ts";
import type { Channel } from "./channel.ts";
import type { WebhookReading } from "./inbound.ts";
import type { SendFetch } from "./outbound.ts";

export interface ListenerDoor {
  channel: Channel;
  /** How many sockets the account wants, each with one owner at a time. Throws DeliveryError and nothing else, as `address` does. */
  sockets(account: OutboundAccount, fetch: SendFetch): Promise<number>;
  address(account: OutboundAccount, socket: number, session: string | undefined, fetch: SendFetch): Promise<string>;
  /** What to do now: decided without I/O. `session` is JSON, the last that was stored; an event's own is stored when the event is durable. */
  next(account: OutboundAccount, socket: number, session: string | undefined, input: SocketInput): SocketStep[];
}
type Frame = string | Uint8Array<ArrayBuffer>;
type SocketInput = { kind: "opened" | "timer" } | { kind: "frame"; frame: Frame } | { kind: "closed"; code: number };
type SocketStep =
  | { kind: "say"; frame: Frame }
  | { kind: "event"; reading: WebhookReading; session: string; answerWhenStored?: Frame }
  | { kind: "set_timer"; afterMs: number }
  | { kind: "connect"; afterMs: number; session: string | undefined }
  | { kind: "stop"; code: string };
