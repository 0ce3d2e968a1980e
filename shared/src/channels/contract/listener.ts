// The door by which events come over a socket that we open. No channel has it yet; it was tried on the pages of Discord's gateway (heartbeats, resumed
// sessions, shards: discord.com/developers/docs/events/gateway), Slack's socket mode (an address that serves once, an ack for each envelope:
// docs.slack.dev/apis/events-api/using-socket-mode) and Feishu's long connection (binary frames: open.feishu.cn, event subscription by long connection).
// What it hears goes through the same normaliser as a webhook.
import type { Random } from "../../random.ts";
import type { OutboundAccount } from "./account.ts";
import type { Channel } from "./channel.ts";
import type { WebhookReading } from "./inbound.ts";
import type { SendFetch } from "./outbound.ts";

export interface ListenerDoor {
  channel: Channel;
  /** How many sockets the account wants, each with one owner at a time. Throws DeliveryError and nothing else, as `address` does. */
  sockets(account: OutboundAccount, fetch: SendFetch): Promise<number>;
  address(account: OutboundAccount, socket: number, session: string | undefined, fetch: SendFetch): Promise<string>;
  /** Decided without I/O. A state lives as long as its socket; `session` outlives it: that of an event is stored when the event is durable. */
  begin(account: OutboundAccount, socket: number, session: string | undefined): SocketState;
  next(state: SocketState, input: SocketInput, random: Random): { state: SocketState; steps: SocketStep[] };
}
type SocketState = Readonly<Record<string, unknown>>;
type Frame = string | Uint8Array<ArrayBuffer>;
type SocketInput = { kind: "opened" | "timer" } | { kind: "frame"; frame: Frame } | { kind: "closed"; code: number };
type SocketStep =
  | { kind: "say"; frame: Frame }
  | { kind: "event"; reading: WebhookReading; session: string; answerWhenStored?: Frame }
  | { kind: "set_timer"; afterMs: number }
  | { kind: "connect"; afterMs: number; session: string | undefined }
  | { kind: "stop"; code: string };
