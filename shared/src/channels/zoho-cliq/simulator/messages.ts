// The calls on messages that are there: edit, delete, and history by time windows.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { SimulatedMessage } from "../../simulator/state/state.ts";
import type { CliqCall } from "./call.ts";
import { chatNamed, ownMessage } from "./chats.ts";
import { CliqRefusal, strictBody, textOf } from "./requests.ts";

const historyMax = 100;
const bulkDeleteMax = 25;

export function editMessage(call: CliqCall): ApiAnswer {
  const body = strictBody(call.body, { text: "string", notify_edit: "boolean" }, ["text"]);
  const chat = chatNamed(call, call.parameters[0] ?? "");
  call.kit.people.edit(call.app, chat, ownMessage(chat, call.parameters[1] ?? ""), textOf(body, "text"));
  return { response: new Response(null, { status: 204 }) };
}

export function deleteMessage(call: CliqCall): ApiAnswer {
  const chat = chatNamed(call, call.parameters[0] ?? "");
  call.kit.people.remove(call.app, chat, ownMessage(chat, call.parameters[1] ?? ""));
  return { response: new Response(null, { status: 204 }) };
}

/** Answers for each id by itself. */
export function bulkDelete(call: CliqCall): ApiAnswer {
  const ids = (call.query.get("message_ids") ?? "").split(",").filter((id) => id !== "");
  if (ids.length === 0) throw new CliqRefusal(400, "param_missing", "Missing parameter: message_ids");
  if (ids.length > bulkDeleteMax) throw new CliqRefusal(400, "invalid_parameters", `At most ${bulkDeleteMax} messages at once`);
  const chat = chatNamed(call, call.parameters[0] ?? "");
  const data = ids.map((id) => {
    try {
      call.kit.people.remove(call.app, chat, ownMessage(chat, id));
      return { id, status: "success" };
    } catch (cause) {
      if (!(cause instanceof CliqRefusal)) throw cause;
      return { id, status: "failure", error: { code: cause.code, message: cause.message } };
    }
  });
  return { response: Response.json({ type: "message.delete_result", data }) };
}

/** Oldest first. Forward from `fromtime` the oldest ones of the window, else the newest ones up to `totime`. */
export function history(call: CliqCall): ApiAnswer {
  const limit = numberOf(call.query, "limit", historyMax);
  if (limit < 1 || limit > historyMax) throw new CliqRefusal(400, "invalid_parameters", `limit is at most ${historyMax}`);
  const from = numberOf(call.query, "fromtime", 0);
  const to = numberOf(call.query, "totime", Number.MAX_SAFE_INTEGER);
  const chat = chatNamed(call, call.parameters[0] ?? "");
  const inWindow = [...chat.messages.values()].filter(
    (message) => !message.deleted && timeOf(message) >= from && timeOf(message) <= to,
  );
  const page = call.query.has("fromtime") ? inWindow.slice(0, limit) : inWindow.slice(-limit);
  return { response: Response.json({ data: page.map((message) => entryOf(message, chat.messages.get(message.replyTo))) }) };
}

/** Ids stand with "_" here, and only here. */
function entryOf(message: SimulatedMessage, replied: SimulatedMessage | undefined) {
  const { file } = message;
  const content = file
    ? { comment: message.text, file: { id: file.id, name: file.name, type: file.mime, dimensions: { size: file.text.length } } }
    : { text: message.text };
  const sender = { id: message.author, name: message.authorName };
  const quote = replied ? { replied_message: { id: replied.id, text: replied.text, time: timeOf(replied) } } : {};
  return { id: message.id, time: timeOf(message), type: file ? "file" : "text", sender, content, ...quote };
}

function timeOf(message: SimulatedMessage): number {
  return Number(message.id.split("_")[0]);
}

function numberOf(query: URLSearchParams, name: string, absent: number): number {
  const text = query.get(name);
  if (text === null) return absent;
  if (!/^\d{1,15}$/.test(text)) throw new CliqRefusal(400, "invalid_parameters", `${name} is not a number`);
  return Number(text);
}
