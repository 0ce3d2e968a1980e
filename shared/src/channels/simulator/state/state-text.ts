// The whole state as one JSON text, made in steps with a pause between, so that a large world never stops the clock of those who
// measure it: 40 MB at once took seconds on a busy machine.
import type { Delivery, SimulatorState } from "./state.ts";
import type { Conversation, World } from "./world.ts";

/** Characters that are made between two pauses. */
const stepLength = 256 * 1024;

/**
 * What changes meanwhile may be in the text or not, and another save follows. But whatever the text refers to is in it: what is
 * owed is written before the messages that it tells of, and sequences last, so that none goes back.
 */
export async function stateText(world: World, owed: readonly Delivery[], pause: () => Promise<void>): Promise<string> {
  let sincePause = 0;
  async function array<Item>(items: Iterable<Item>, json: (item: Item) => string): Promise<string> {
    const parts: string[] = [];
    for (const item of items) {
      const part = json(item);
      parts.push(part);
      sincePause += part.length;
      if (sincePause < stepLength) continue;
      sincePause = 0;
      await pause();
    }
    return `[${parts.join(",")}]`;
  }
  const version: SimulatorState["version"] = 1;
  const deliveries = await array(owed, (delivery) => JSON.stringify(delivery));
  const conversations = await array(world.allConversations(), conversationJson);
  const people = await array(world.allPeople(), (person) => JSON.stringify(person));
  const rest = JSON.stringify({ version, apps: world.apps(), developerApps: world.developerApps(), counters: world.counters() });
  return `${rest.slice(0, -1)},"people":${people},"conversations":${conversations},"deliveries":${deliveries}}`;
}

function conversationJson({ messages, ...conversation }: Conversation): string {
  return JSON.stringify({ ...conversation, messages: [...messages.values()] });
}
