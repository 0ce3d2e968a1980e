// How the control API says what the simulator knows, and how it refuses.
import type { InstalledApp } from "../contract/simulator.ts";
import type { LoggedRequest } from "./request-log.ts";
import type { App, Delivery, SimulatedMessage } from "./state/state.ts";
import type { Conversation } from "./state/world.ts";

export interface Answer {
  body: unknown;
}

/** A call that cannot be served; `message` is for whoever made it. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function installedAppView(app: App): InstalledApp {
  return { appId: app.id, account: app.account };
}

/** Deleted messages are not seen by people. */
export function conversationView(conversation: Conversation) {
  const messages = [...conversation.messages.values()].filter((message) => !message.deleted);
  return { conversation: conversation.id, messages: messages.map(messageView) };
}

function messageView(message: SimulatedMessage) {
  return {
    id: message.id,
    author: message.authorName,
    bot: message.bot,
    text: message.text,
    thread: message.thread,
    reply_to: message.replyTo,
    created_at_ms: message.createdAtMs,
    edits: message.edits.map((edit) => ({ text: edit.text, at_ms: edit.atMs })),
  };
}

export function deliveryView(delivery: Delivery) {
  return {
    event_id: delivery.eventId,
    conversation: delivery.conversation,
    message_id: delivery.messageId,
    kind: delivery.kind,
    attempts: delivery.attempts.map((each) => ({ at_ms: each.atMs, status: each.status, duration_ms: each.durationMs })),
    done: delivery.done,
  };
}

export function requestView(request: LoggedRequest) {
  return {
    at_ms: request.atMs,
    method: request.method,
    conversation: request.conversation,
    status: request.status,
    ...(request.error === "" ? {} : { error: request.error }),
  };
}
