// Which message a key made. Kept with the message itself, so a restart forgets no key; this index is only there to find it fast.
import type { App } from "../../simulator/state/state.ts";
import type { World } from "../../simulator/state/world.ts";

export class IdempotencyKeys {
  #messageIds: Map<string, string> | undefined;

  /** The id of the message that the key made; undefined when it made none, or there is no key. */
  find(world: World, app: App, key: string): string | undefined {
    this.#messageIds ??= indexOf(world);
    return key === "" ? undefined : this.#messageIds.get(entryOf(app, key));
  }

  remember(app: App, key: string, messageId: string): void {
    if (key !== "") this.#messageIds?.set(entryOf(app, key), messageId);
  }
}

function indexOf(world: World): Map<string, string> {
  const messageIds = new Map<string, string>();
  for (const app of world.apps()) {
    for (const conversation of world.conversations(app.id)) {
      for (const message of conversation.messages.values()) {
        const key = message.extra.idempotency_key;
        if (key) messageIds.set(entryOf(app, key), message.id);
      }
    }
  }
  return messageIds;
}

function entryOf(app: App, key: string): string {
  return `${app.id}\n${key}`;
}
