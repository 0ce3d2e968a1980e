// A message as Slack writes it, in events, answers and history.
import type { App, SimulatedMessage } from "../../simulator/state/state.ts";
import { textAt } from "../../simulator/state/state.ts";
import type { Conversation } from "../../simulator/state/world.ts";
import { editedTsOfMs, hex } from "./ids.ts";

export interface View {
  app: App;
  conversation: Conversation;
  baseUrl: string;
}

/** `version` counts edits: the message as it was after that many. */
export function messageJson(view: View, message: SimulatedMessage, version = message.edits.length): Record<string, unknown> {
  const { app } = view;
  const text = textAt(message, version);
  const edit = message.edits[version - 1];
  const root = message.thread === "" ? undefined : view.conversation.messages.get(message.thread);
  return {
    type: "message",
    ...(message.file ? { subtype: "file_share", files: [fileJson(view, message)] } : {}),
    ...(message.extra.client_msg_id === undefined ? {} : { client_msg_id: message.extra.client_msg_id }),
    user: message.author,
    ...(message.bot ? botJson(app) : {}),
    text,
    ts: message.id,
    team: app.account.externalId,
    ...(edit ? { edited: { user: message.author, ts: editedTsOfMs(edit.atMs) } } : {}),
    ...(message.thread === "" ? {} : { thread_ts: message.thread, ...(root ? { parent_user_id: root.author } : {}) }),
    blocks: [{ type: "rich_text", block_id: hex(new TextEncoder().encode(message.id)).slice(-5), elements: [] }],
  };
}

function botJson(app: App) {
  const { bot_id = "", app_id = "" } = app.account.settings;
  const profile = { id: bot_id, app_id, name: app.name, deleted: false, team_id: app.account.externalId };
  return { bot_id, app_id, bot_profile: profile };
}

/** The bytes are at `url_private_download`, for whoever holds the token. */
function fileJson({ app, conversation, baseUrl }: View, message: SimulatedMessage) {
  const { id = "", name = "", mime = "", text = "" } = message.file ?? {};
  const url = `${baseUrl}/files-pri/${app.id}/${conversation.id}/${message.id}/${encodeURIComponent(name)}`;
  return {
    id,
    name,
    title: name,
    mimetype: mime,
    filetype: name.split(".").at(-1) ?? "",
    size: new TextEncoder().encode(text).length,
    mode: "hosted",
    url_private: url,
    url_private_download: url,
    file_access: "visible",
  };
}
