// Holds one socket: opens it, asks the door what each frame means, and carries out the steps in their order. An event is published to ingress, as
// the edge does with a webhook, and the bus's answer comes before the session moves or the platform hears an ack (G1).
import type { InboundAccount, OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { InboundEvent } from "@mio/shared/channels/contract/inbound.ts";
import type { ListenerDoor } from "@mio/shared/channels/contract/listener.ts";
import type { SendFetch } from "@mio/shared/channels/contract/outbound.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { SessionStore, SocketLease } from "./session-store.ts";

/** A socket without its platform: Node's WebSocket, and in tests a real server that breaks off, goes silent and repeats. */
export interface OpenedSocket {
  frames: AsyncIterable<string | Uint8Array<ArrayBuffer>>;
  say(frame: string | Uint8Array<ArrayBuffer>): void;
  close(code: number): Promise<void>;
}

export interface HeldSocketParts {
  door: ListenerDoor;
  account: { inbound: InboundAccount; outbound: OutboundAccount };
  lease: SocketLease;
  sessions: SessionStore;
  open(url: string, signal: AbortSignal): Promise<OpenedSocket>;
  fetch: SendFetch;
  clock: Clock;
  /** Resolves when the bus has all of them. */
  publish(events: readonly InboundEvent[]): Promise<void>;
}

/** Until the signal, or until the lease is another's. Rejects when the door says stop. */
export declare function holdSocket(parts: HeldSocketParts, signal: AbortSignal): Promise<"stopped" | "lost_lease">;
