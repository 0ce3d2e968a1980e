// The part of a Telegram Update that we use, parsed once. Unknown fields and kinds are normal and kept out; a known field of
// another shape is malformed. Ids are numbers under 2^52 on the wire: checked to be exact, then text for ever.
import * as v from "valibot";
import { jsonOfBytes } from "../../kit/json.ts";

const integer = v.pipe(v.number(), v.safeInteger());
const idText = v.pipe(integer, v.transform(String));
/** Seconds; the end of year 9999 is the last that a Timestamp can hold. */
const unixTime = v.pipe(integer, v.minValue(0), v.maxValue(253_402_300_799));
/** A file_id or callback id goes into URLs, keys and headers: one word of printable ASCII. */
const token = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,512}$/));

const user = v.object({
  id: idText,
  is_bot: v.optional(v.boolean(), false),
  first_name: v.optional(v.string()),
  last_name: v.optional(v.string()),
  username: v.optional(v.string()),
});

const chat = v.object({
  id: idText,
  type: v.string(),
  title: v.optional(v.string()),
  first_name: v.optional(v.string()),
  last_name: v.optional(v.string()),
  username: v.optional(v.string()),
});

const fileSize = v.optional(v.pipe(integer, v.minValue(0)), 0);
const file = v.object({
  file_id: token,
  file_size: fileSize,
  mime_type: v.optional(v.string(), ""),
  file_name: v.optional(v.string(), ""),
});
const photoSize = v.object({
  file_id: token,
  file_size: fileSize,
  width: v.optional(integer, 0),
  height: v.optional(integer, 0),
});
const sticker = v.object({ file_id: token, file_size: fileSize, emoji: v.optional(v.string(), "") });
const present = v.optional(v.unknown());

const message = v.object({
  message_id: integer,
  from: v.optional(user),
  sender_chat: v.optional(chat),
  via_bot: v.optional(v.object({ id: idText })),
  chat,
  date: unixTime,
  edit_date: v.optional(unixTime),
  message_thread_id: v.optional(integer),
  is_topic_message: v.optional(v.boolean(), false),
  reply_to_message: v.optional(v.object({ message_id: integer, chat: v.object({ id: idText }) })),
  media_group_id: v.optional(v.string()),
  text: v.optional(v.string()),
  caption: v.optional(v.string()),
  document: v.optional(file),
  photo: v.optional(v.array(photoSize)),
  voice: v.optional(file),
  audio: v.optional(file),
  video: v.optional(file),
  animation: v.optional(file),
  video_note: v.optional(file),
  sticker: v.optional(sticker),
  // What a person can post and we only name: see otherContentKinds.
  location: present,
  venue: present,
  contact: present,
  poll: present,
  dice: present,
  story: present,
  game: present,
  invoice: present,
  checklist: present,
  paid_media: present,
});

const reactionType = v.object({
  type: v.string(),
  emoji: v.optional(v.string()),
  custom_emoji_id: v.optional(v.string()),
});

const reaction = v.object({
  chat,
  message_id: integer,
  user: v.optional(user),
  actor_chat: v.optional(chat),
  date: unixTime,
  old_reaction: v.array(reactionType),
  new_reaction: v.array(reactionType),
});

const callbackQuery = v.object({
  id: token,
  from: user,
  // Also in the shape of an inaccessible message, whose date is 0.
  message: v.optional(v.object({ message_id: integer, chat, message_thread_id: v.optional(integer) })),
  data: v.optional(v.string()),
  game_short_name: v.optional(v.string()),
});

export type TelegramUser = v.InferOutput<typeof user>;
export type TelegramChat = v.InferOutput<typeof chat>;
export type TelegramMessage = v.InferOutput<typeof message>;
export type TelegramReaction = v.InferOutput<typeof reaction>;
export type TelegramReactionType = v.InferOutput<typeof reactionType>;
export type TelegramCallbackQuery = v.InferOutput<typeof callbackQuery>;

/** Content that has no field in our envelope: such a message goes on with its kind named and its text empty. */
export const otherContentKinds = [
  "venue",
  "location",
  "contact",
  "poll",
  "dice",
  "story",
  "game",
  "invoice",
  "checklist",
  "paid_media",
] as const satisfies readonly (keyof TelegramMessage)[];

export type Update =
  | { kind: "message"; updateId: number; message: TelegramMessage }
  | { kind: "edit"; updateId: number; message: TelegramMessage }
  | { kind: "reaction"; updateId: number; reaction: TelegramReaction }
  | { kind: "callback"; updateId: number; query: TelegramCallbackQuery }
  | { kind: "uninteresting" }
  | { kind: "malformed"; reason: string };

const updateFrame = v.object({
  update_id: v.pipe(integer, v.minValue(0)),
  message: present,
  channel_post: present,
  edited_message: present,
  edited_channel_post: present,
  message_reaction: present,
  callback_query: present,
});

/** Never throws. An Update holds exactly one kind; one that holds none of ours is `uninteresting`. */
export function parseUpdate(body: Uint8Array<ArrayBuffer>): Update {
  const json = jsonOfBytes(body);
  if (json === undefined) return { kind: "malformed", reason: "not_json" };
  const frame = v.safeParse(updateFrame, json);
  if (!frame.success) return { kind: "malformed", reason: "update" };
  const { update_id: updateId, ...kinds } = frame.output;
  const posted = kinds.message === undefined ? kinds.channel_post : kinds.message;
  if (posted !== undefined) {
    return parsed(message, posted, "message", (output) => ({ kind: "message", updateId, message: output }));
  }
  const edited = kinds.edited_message === undefined ? kinds.edited_channel_post : kinds.edited_message;
  if (edited !== undefined) {
    return parsed(message, edited, "edited_message", (output) => ({ kind: "edit", updateId, message: output }));
  }
  if (kinds.message_reaction !== undefined) {
    return parsed(reaction, kinds.message_reaction, "message_reaction", (output) => ({
      kind: "reaction",
      updateId,
      reaction: output,
    }));
  }
  if (kinds.callback_query !== undefined) {
    return parsed(callbackQuery, kinds.callback_query, "callback_query", (output) => ({
      kind: "callback",
      updateId,
      query: output,
    }));
  }
  return { kind: "uninteresting" };
}

function parsed<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
  reason: string,
  make: (output: Output) => Update,
) {
  const result = v.safeParse(schema, value);
  return result.success ? make(result.output) : ({ kind: "malformed", reason } satisfies Update);
}
