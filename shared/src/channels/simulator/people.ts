// What happens on a simulated platform, whoever does it: a message is posted, edited, deleted or reacted to, and the app is told.

import type { SimulatorHost } from "../contract/simulator.ts";
import type { Deliveries } from "./deliveries.ts";
import type { PlatformRules } from "./platform-rules.ts";
import type { App, Delivery, Happening, SimulatedMessage } from "./state/state.ts";
import type { Conversation, World } from "./state/world.ts";

/** Earlier texts that a message remembers; of a longer series only the first ones are kept. */
const editsPerMessageMax = 1_000;

export interface NewMessage {
  author: string;
  authorName: string;
  bot: boolean;
  text: string;
  thread?: string;
  replyTo?: string;
  file?: { name: string; mime: string; text: string };
  extra?: Record<string, string>;
}

export class People {
  readonly #platform: PlatformRules;
  readonly #host: SimulatorHost;
  readonly #world: World;
  readonly #deliveries: Deliveries;

  constructor(platform: PlatformRules, host: SimulatorHost, world: World, deliveries: Deliveries) {
    this.#platform = platform;
    this.#host = host;
    this.#world = world;
    this.#deliveries = deliveries;
  }

  /** Opens the place that a person calls `name`. */
  conversation(app: App, name: string): Conversation {
    return this.#world.openConversation({ appId: app.id, name, ...this.#platform.conversationOf(app, name) });
  }

  /** The place that a person calls `name`, when somebody was there already. */
  knownConversation(app: App, name: string): Conversation | undefined {
    return this.#world.conversation(app.id, this.#platform.conversationOf(app, name).id);
  }

  /** The platform's id of the person called `name`. */
  person(app: App, name: string): string {
    const { id } = this.#platform.personOf(app, name);
    if (!this.#world.person(app.id, id)) this.#world.putPerson({ appId: app.id, id, name });
    return id;
  }

  /** Posts, and gives the webhook that tells of it: undefined when nobody is told. */
  post(app: App, conversation: Conversation, draft: NewMessage): { message: SimulatedMessage; delivery: Delivery | undefined } {
    const nowMs = this.#host.clock.nowMs();
    const id = this.#platform.messageId(conversation, this.#world, nowMs);
    const asked = { thread: draft.thread ?? "", replyTo: draft.replyTo ?? "" };
    const place = draft.bot ? asked : (this.#platform.place?.(asked, conversation) ?? asked);
    const message: SimulatedMessage = {
      id,
      author: draft.author,
      authorName: draft.authorName,
      bot: draft.bot,
      text: draft.text,
      edits: [],
      ...place,
      createdAtMs: nowMs,
      deleted: false,
      extra: draft.extra ?? {},
    };
    if (draft.file) message.file = { id: `F${id.replaceAll(/[^0-9A-Za-z]/g, "")}`, ...draft.file };
    this.#world.putMessage(conversation, message);
    const delivery = this.#tell(app, conversation, message, "posted", {}, draft.bot);
    if (delivery) this.#tellTwins(app, conversation, message);
    return { message, delivery };
  }

  /** A person edits her own message, or the app its own. */
  edit(app: App, conversation: Conversation, message: SimulatedMessage, text: string): Delivery | undefined {
    if (message.edits.length < editsPerMessageMax) message.edits.push({ text: message.text, atMs: this.#host.clock.nowMs() });
    message.text = text;
    this.#world.putMessage(conversation, message);
    return this.#tell(app, conversation, message, "edited", {}, message.bot);
  }

  /** A person deletes her own message, or the app its own. */
  remove(app: App, conversation: Conversation, message: SimulatedMessage): Delivery | undefined {
    message.deleted = true;
    this.#world.putMessage(conversation, message);
    return this.#tell(app, conversation, message, "deleted", {}, message.bot);
  }

  /** Anything else that happens to a message, with what the platform's webhook needs to know of it. */
  happens(
    app: App,
    conversation: Conversation,
    message: SimulatedMessage,
    what: { kind: string; detail: Record<string, string>; byApp: boolean },
  ): Delivery | undefined {
    return this.#tell(app, conversation, message, what.kind, what.detail, what.byApp);
  }

  /** Tells of the latest event about a message once more, under the same event id; undefined when nobody was told of any. */
  repeat(app: App, conversation: Conversation, message: SimulatedMessage): Delivery | undefined {
    return message.lastEvent && app.webhookUrl !== "" ? this.#deliver(app, conversation, message, message.lastEvent) : undefined;
  }

  #tell(
    app: App,
    conversation: Conversation,
    message: SimulatedMessage,
    kind: string,
    detail: Record<string, string>,
    byApp: boolean,
  ): Delivery | undefined {
    if (app.webhookUrl === "" || (byApp && !this.#platform.echoesOwnPosts)) return undefined;
    message.lastEvent = this.#happening(app, message, kind, detail);
    return this.#deliver(app, conversation, message, message.lastEvent);
  }

  /** They are not the message's last event: that one is what tells of it on every platform. */
  #tellTwins(app: App, conversation: Conversation, message: SimulatedMessage): void {
    for (const kind of this.#platform.twins?.(app, message) ?? []) {
      this.#deliver(app, conversation, message, this.#happening(app, message, kind, {}));
    }
  }

  #happening(app: App, message: SimulatedMessage, kind: string, detail: Record<string, string>): Happening {
    const eventId = this.#platform.eventId(app, this.#world, this.#host);
    return { eventId, kind, version: message.edits.length, atMs: this.#host.clock.nowMs(), detail };
  }

  #deliver(app: App, conversation: Conversation, message: SimulatedMessage, happening: Happening): Delivery {
    const delivery: Delivery = {
      ...happening,
      appId: app.id,
      conversation: conversation.id,
      messageId: message.id,
      attempts: [],
      attemptCount: 0,
      nextAttemptAtMs: this.#host.clock.nowMs(),
      done: false,
    };
    this.#deliveries.queue(delivery);
    return delivery;
  }
}
