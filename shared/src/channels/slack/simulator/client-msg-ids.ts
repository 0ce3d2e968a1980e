// Which client_msg_id became which message: a repeated one gives the first message again. Rebuilt from the messages after a
// restart, so it lives as long as they do.
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";

const known = new WeakMap<Conversation, Map<string, SimulatedMessage>>();

export function postedBefore(conversation: Conversation, clientMsgId: string): SimulatedMessage | undefined {
  return idsOf(conversation).get(clientMsgId);
}

export function rememberPosted(conversation: Conversation, message: SimulatedMessage): void {
  const id = message.extra.client_msg_id;
  if (id === undefined) return;
  const ids = idsOf(conversation);
  ids.set(id, message);
  // Of messages that were forgotten meanwhile some ids are left; now and then the map is built again.
  if (ids.size > conversation.messages.size * 2 + 100) known.delete(conversation);
}

function idsOf(conversation: Conversation): Map<string, SimulatedMessage> {
  const found = known.get(conversation);
  if (found) return found;
  const ids = new Map<string, SimulatedMessage>();
  for (const message of conversation.messages.values()) {
    const id = message.extra.client_msg_id;
    if (id !== undefined) ids.set(id, message);
  }
  known.set(conversation, ids);
  return ids;
}
