// The world of a simulated platform: its apps, people, conversations and messages, in memory, each conversation bounded.
// No call walks the history; whatever changes calls `changed`, so that it is saved.
import type { App, DeveloperApp, Person, SimulatedMessage, SimulatorState } from "./state.ts";

/** Messages that one conversation remembers. Beyond a quarter more, the oldest are forgotten. */
export const messagesPerConversationMax = 2_000;
const conversationsMax = 20_000;

export interface Conversation {
  appId: string;
  /** The platform's own id, unique within the app. */
  id: string;
  /** What a person calls it. */
  name: string;
  kind: string;
  /** By id, oldest first. */
  messages: Map<string, SimulatedMessage>;
}

export class World {
  readonly #apps = new Map<string, App>();
  readonly #developerApps = new Map<string, DeveloperApp>();
  readonly #people = new Map<string, Person>();
  readonly #conversations = new Map<string, Conversation>();
  readonly #counters = new Map<string, number>();
  readonly #changed: () => void;

  constructor(state: SimulatorState, changed: () => void) {
    this.#changed = changed;
    for (const app of state.apps) this.#apps.set(app.id, app);
    for (const app of state.developerApps) this.#developerApps.set(app.clientId, app);
    for (const person of state.people) this.#people.set(key(person.appId, person.id), person);
    for (const { messages, ...conversation } of state.conversations) {
      const byId = new Map(messages.map((message) => [message.id, message]));
      this.#conversations.set(key(conversation.appId, conversation.id), { ...conversation, messages: byId });
    }
    for (const [name, value] of Object.entries(state.counters)) this.#counters.set(name, value);
  }

  apps(): App[] {
    return [...this.#apps.values()];
  }

  app(id: string): App | undefined {
    return this.#apps.get(id);
  }

  putApp(app: App): void {
    this.#apps.set(app.id, app);
    this.#changed();
  }

  developerApps(): DeveloperApp[] {
    return [...this.#developerApps.values()];
  }

  developerApp(clientId: string): DeveloperApp | undefined {
    return this.#developerApps.get(clientId);
  }

  putDeveloperApp(app: DeveloperApp): void {
    this.#developerApps.set(app.clientId, app);
    this.#changed();
  }

  person(appId: string, id: string): Person | undefined {
    return this.#people.get(key(appId, id));
  }

  putPerson(person: Person): void {
    if (this.#people.get(key(person.appId, person.id))?.name === person.name) return;
    this.#people.set(key(person.appId, person.id), person);
    this.#changed();
  }

  conversations(appId: string): Conversation[] {
    return [...this.#conversations.values()].filter((conversation) => conversation.appId === appId);
  }

  conversation(appId: string, id: string): Conversation | undefined {
    return this.#conversations.get(key(appId, id));
  }

  /** The conversation of that id, made when it is not there yet. */
  openConversation(conversation: Omit<Conversation, "messages">): Conversation {
    const found = this.conversation(conversation.appId, conversation.id);
    if (found) return found;
    if (this.#conversations.size >= conversationsMax)
      throw new Error(`the simulator holds ${conversationsMax} conversations already`);
    const opened = { ...conversation, messages: new Map() };
    this.#conversations.set(key(conversation.appId, conversation.id), opened);
    this.#changed();
    return opened;
  }

  putMessage(conversation: Conversation, message: SimulatedMessage): void {
    conversation.messages.set(message.id, message);
    if (conversation.messages.size > messagesPerConversationMax * 1.25) forgetOldest(conversation.messages);
    this.#changed();
  }

  /** The next value of a sequence that survives restarts: one more than the last, and at least `atLeast`. */
  rising(name: string, atLeast: number): number {
    const value = Math.max(atLeast, (this.#counters.get(name) ?? Number.NEGATIVE_INFINITY) + 1);
    this.#counters.set(name, value);
    this.#changed();
    return value;
  }

  allConversations(): Conversation[] {
    return [...this.#conversations.values()];
  }

  allPeople(): Person[] {
    return [...this.#people.values()];
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.#counters);
  }
}

/** In one go, so that the cost per message stays constant. */
function forgetOldest(messages: Map<string, SimulatedMessage>): void {
  for (const id of messages.keys()) {
    if (messages.size <= messagesPerConversationMax) return;
    messages.delete(id);
  }
}

function key(appId: string, id: string): string {
  return `${appId}\n${id}`;
}
