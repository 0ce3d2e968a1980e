// A webhook of the test platform: one workspace, and events of one or more conversations in the order in which they happened.
import * as v from "valibot";

/** Unique in the workspace, and a part of ids that we make, so without separators. */
const messageId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const event = v.object({
  conversation: name,
  id: messageId,
  user: name,
  /** True when a program wrote it. */
  bot: v.optional(v.boolean(), false),
  kind: v.string(),
  text: v.optional(v.string(), ""),
  /** The platform's time for the event, in milliseconds; the end of year 9999 is the last that a Timestamp can hold. */
  at_ms: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(253_402_300_799_999)),
  /** Tells edits of one millisecond apart. */
  version: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  reply_to: v.optional(messageId),
  thread: v.optional(messageId),
  file: v.optional(
    v.object({
      url: v.pipe(v.string(), v.minLength(1)),
      name: v.string(),
      mime: v.string(),
      bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    }),
  ),
});

/** More than a webhook of ours ever carries. */
const eventsMax = 100;

const webhook = v.object({ workspace: name, events: v.pipe(v.array(event), v.maxLength(eventsMax)) });

export type TestEvent = v.InferOutput<typeof event>;

/** Undefined when it is of another shape. */
export function parseWebhook(body: unknown): v.InferOutput<typeof webhook> | undefined {
  const parsed = v.safeParse(webhook, body);
  return parsed.success ? parsed.output : undefined;
}

/** The workspace alone, also of a webhook whose events we do not understand. */
export function workspaceIn(body: unknown): string | undefined {
  const parsed = v.safeParse(v.object({ workspace: name }), body);
  return parsed.success ? parsed.output.workspace : undefined;
}
