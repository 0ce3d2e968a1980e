// Which conversation an app means: by channel id, or by a person's id for the direct conversation with her.
import type { Conversation } from "../../simulator/state/world.ts";
import type { Call } from "./call.ts";

/** Undefined when there is no such channel in the app's workspace. */
export function channelOf({ kit, app }: Call, channel: string): Conversation | undefined {
  return kit.world.conversation(app.id, channel) ?? directConversation(kit, app, channel);
}

export function directConversation(kit: Call["kit"], app: Call["app"], userId: string): Conversation | undefined {
  const person = kit.world.person(app.id, userId);
  return person && kit.people.conversation(app, `@${person.name}`);
}
