// What a Cliq webhook says, read once: the native envelope (all under `params`) and both shapes of relay script become one
// flat record. Fields that we stand on must have their type; fields that are nice to have are left out when they are odd.
import * as v from "valibot";
import { jsonOfBytes } from "../../kit/json.ts";
import { platformId } from "../../kit/platform-id.ts";

/** A form's values are a list in a list at most; what is deep enough cannot be written as JSON again. */
const argumentLevelsMax = 32;

/** 2100-01-01: a time beyond is a mistake in its unit, and would name a day that no key is kept for. */
const timeMsMax = 4_102_444_800_000;

/** Longer or stranger ids make a payload malformed. */
const id = platformId(256);
/** Epoch milliseconds; a number in most places, a string in the mention handler. */
const time = v.union([
  v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(timeMsMax)),
  v.pipe(v.string(), v.regex(/^\d{1,13}$/), v.transform(Number)),
]);
const note = v.fallback(v.nullish(v.string()), undefined);
const flag = v.fallback(v.nullish(v.boolean()), undefined);

const file = v.object({
  name: note,
  type: note,
  url: note,
  dimensions: v.fallback(v.nullish(v.object({ size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })), undefined),
});
/** A relay of the message handler gives bare file names. */
const attachments = v.fallback(
  v.array(
    v.union([
      v.pipe(
        v.string(),
        v.transform((name) => ({ name, type: undefined, url: undefined, dimensions: undefined })),
      ),
      file,
    ]),
  ),
  [],
);

const mentions = v.fallback(v.array(v.object({ id: note, name: note, dname: note, type: note })), []);

const messageObject = v.object({
  id: v.nullish(id),
  text: v.nullish(v.string()),
  comment: v.nullish(v.string()),
  content: v.fallback(v.nullish(v.object({ text: note, comment: note })), undefined),
  time: v.nullish(time),
  file: v.nullish(file),
  mentions,
  replied_message: v.nullish(v.object({ id })),
});
const message = v.nullish(v.union([v.string(), messageObject]));

const facts = {
  operation: v.nullish(v.string()),
  handler: v.nullish(
    v.union([
      v.string(),
      v.pipe(
        v.object({ type: v.string() }),
        v.transform((handler) => handler.type),
      ),
    ]),
  ),
  data: v.nullish(v.object({ time: v.nullish(time), message })),
  message,
  message_details: v.fallback(v.nullish(v.object({ time: v.nullish(time), message })), undefined),
  attachments,
  mentions,
  user: v.nullish(
    v.object({
      id,
      zoho_user_id: note,
      name: note,
      unique_name: note,
      first_name: note,
      last_name: note,
      organization_id: note,
      is_bot: flag,
      type: note,
    }),
  ),
  chat: v.nullish(v.object({ id, type: note, chat_type: note, channel_unique_name: note, title: note, is_dm: flag })),
  channel: v.fallback(v.nullish(v.object({ unique_name: note })), undefined),
  access: v.fallback(
    v.nullish(v.object({ user_id: v.nullish(id), chat_id: v.nullish(id), organization: v.nullish(v.object({ id: note })) })),
    undefined,
  ),
  arguments: v.pipe(
    v.fallback(v.nullish(v.union([v.string(), v.record(v.string(), v.unknown())])), undefined),
    v.check((value) => nestsWithin(value, argumentLevelsMax)),
  ),
  target: v.fallback(v.nullish(v.object({ name: note })), undefined),
};

const payload = v.object({
  ...facts,
  name: note,
  type: note,
  response_url: note,
  timestamp: v.nullish(time),
  params: v.nullish(v.object({ ...facts, timestamp: v.nullish(time) })),
});

export type CliqFile = v.InferOutput<typeof file>;
export type CliqUser = NonNullable<v.InferOutput<typeof payload>["user"]>;
export type CliqChat = NonNullable<v.InferOutput<typeof payload>["chat"]>;

export interface CliqMessage {
  id: string | undefined;
  text: string;
  files: readonly CliqFile[];
  mentions: readonly { id?: string | null | undefined; name?: string | null | undefined; type?: string | null | undefined }[];
  repliedToId: string | undefined;
}

export interface CliqPayload {
  operation: string | undefined;
  handler: string | undefined;
  /** `bot`, `command`, `function`, `messageaction` in the native envelope. */
  type: string;
  /** What the handler belongs to: of a command or a function its name. */
  name: string;
  responseUrl: string;
  organizationId: string;
  /** The platform's time for the event. */
  timeMs: number | undefined;
  user: CliqUser | undefined;
  chat: CliqChat | undefined;
  channelName: string;
  message: CliqMessage | undefined;
  arguments: string | Record<string, unknown>;
  targetName: string;
}

function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => nestsWithin(inner, levels - 1));
}

/** Reads a raw body; a string says why it cannot be read. Never throws. */
export function parsePayload(body: Uint8Array): CliqPayload | string {
  const json = jsonOfBytes(body);
  if (json === undefined) return "not_json";
  const parsed = v.safeParse(payload, json);
  if (!parsed.success) return `wrong_shape.${v.getDotPath(parsed.issues[0]) ?? "body"}`;
  return flatten(parsed.output);
}

function flatten(outer: v.InferOutput<typeof payload>): CliqPayload {
  const inner = outer.params ?? outer;
  const user = inner.user ?? (inner.access?.user_id ? { id: inner.access.user_id } : undefined);
  const chat = inner.chat ?? (inner.access?.chat_id ? { id: inner.access.chat_id } : undefined);
  const given = [inner.data?.message, inner.message, inner.message_details?.message];
  const details = given.find((each) => typeof each === "object" && each !== null);
  const plain = given.find((each) => typeof each === "string");
  const files = [...(details?.file ? [details.file] : []), ...inner.attachments];
  return {
    operation: inner.operation ?? undefined,
    handler: outer.handler ?? inner.handler ?? undefined,
    type: outer.type ?? "",
    name: outer.name ?? "",
    responseUrl: outer.response_url ?? "",
    organizationId: inner.user?.organization_id || inner.access?.organization?.id || "",
    timeMs: inner.data?.time ?? details?.time ?? inner.message_details?.time ?? inner.timestamp ?? outer.timestamp ?? undefined,
    user,
    chat,
    channelName: chat?.channel_unique_name || inner.channel?.unique_name || "",
    message:
      details === undefined && plain === undefined && files.length === 0
        ? undefined
        : {
            id: details?.id ?? undefined,
            text: details?.text || details?.comment || details?.content?.text || details?.content?.comment || plain || "",
            files,
            mentions: details?.mentions.length ? details.mentions : inner.mentions,
            repliedToId: details?.replied_message?.id,
          },
    arguments: inner.arguments ?? "",
    targetName: inner.target?.name ?? "",
  };
}
