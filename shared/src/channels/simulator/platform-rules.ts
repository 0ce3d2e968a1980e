// What differs from platform to platform in how it names things and tells apps of them: its ids, its webhooks, its retries. None of it needs
// the kit, which stands on it.
import type { InstalledApp, SimulatorHost } from "../contract/simulator.ts";
import type { RateLimit } from "./rate-limiter.ts";
import type { App, Delivery, DeveloperApp, SimulatedMessage } from "./state/state.ts";
import type { Conversation, World } from "./state/world.ts";

export interface RetrySchedule {
  /** An attempt without a complete answer after this long has failed. */
  timeoutMs: number;
  /** The waits before the second attempt, the third, and so on. */
  delaysMs: readonly number[];
  /** How long, from the event on, the last wait is repeated once the list is used up. 0: the list is all there is. */
  repeatForMs: number;
}

/** An event as its webhook is made of it: always the same for the same event, so a retry is the same bytes but for its signature. */
export interface EventContext {
  event: Delivery;
  app: App;
  conversation: Conversation;
  message: SimulatedMessage;
  /** 0 for the first attempt. */
  attempt: number;
  /** How the attempt before ended: its status, 0 without an answer; undefined on the first. */
  lastStatus: number | undefined;
  nowMs: number;
  world: World;
  baseUrl: string;
}

export interface OutgoingWebhook {
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
}

export interface Draft {
  thread: string;
  replyTo: string;
}

export interface PlatformRules {
  channelType: string;
  retry: RetrySchedule;
  /** `conversation`: the next webhook of a conversation waits until the last is done. `parallel`: none waits. */
  order: "conversation" | "parallel";
  /** Whether an app gets webhooks of what it did itself. */
  echoesOwnPosts: boolean;
  /** What one app may send to one conversation when whoever installed it set nothing. */
  rate: RateLimit;
  /** Makes an app's ids, secrets and credential. Called once for a name. */
  install(name: string, host: SimulatorHost): InstalledApp;
  /** Makes the ids and secrets of an app whose workspaces are connected by OAuth. Left out: the platform has no such thing. */
  develop?(name: string, host: SimulatorHost): Pick<DeveloperApp, "appId" | "clientId" | "clientSecret" | "secrets">;
  /** What such an app is configured with beside that, so that this simulator takes the platform's place. */
  developedSettings?(baseUrl: string): Record<string, string>;
  /** The platform's id and kind for what a person calls the place; a platform id is taken as it is. */
  conversationOf(app: App, name: string): { id: string; kind: string };
  personOf(app: App, name: string): { id: string };
  /** A new message id, unique in its conversation. `world.rising` keeps sequences over restarts. */
  messageId(conversation: Conversation, world: World, nowMs: number): string;
  eventId(app: App, world: World, host: SimulatorHost): string;
  /** Where a message goes that a person wrote with `thread` and `reply_to`. Left out: exactly as said. */
  place?(draft: Draft, conversation: Conversation): Draft;
  /** Kinds of further events that tell of a posted message once more, such as Slack's app_mention. Left out: none. */
  twins?(app: App, message: SimulatedMessage): readonly string[];
  /** The request of one attempt, signed; undefined when the platform tells apps nothing of such an event. */
  webhook(context: EventContext): Promise<OutgoingWebhook | undefined>;
  /** Whether the answer ends the delivery. Left out: any 2xx. */
  isDelivered?(response: Response): boolean;
  /** Whether the answer forbids retries (Slack's X-Slack-No-Retry). Left out: never. */
  forbidsRetry?(response: Response): boolean;
  /** How long the answer asks the platform to wait before the next attempt. Left out: the schedule alone counts. */
  retryAfterMs?(response: Response): number | undefined;
}
