// How an event of the test platform is named as a source_message_id. Its message ids are unique in the workspace, so they need no conversation
// in front; whatever happens to a message later begins with its id.
import type { SourceMessageId } from "../../ids.ts";

export function sourceIdOf(messageId: string): SourceMessageId {
  return messageId as SourceMessageId;
}
