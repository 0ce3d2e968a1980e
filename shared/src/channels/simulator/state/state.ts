// What a simulated platform remembers, and its form as one JSON text. Whatever is here survives a restart; nothing else does.
import * as v from "valibot";

const text = v.string();
const number = v.number();
const texts = v.record(v.string(), v.string());

const secretSchema = v.object({ scheme: text, value: text });

const appSchema = v.object({
  id: text,
  name: text,
  webhookUrl: text,
  account: v.object({ externalId: text, displayName: text, settings: texts, secrets: v.array(secretSchema), credential: text }),
  /** Set by whoever installed the app; absent means the platform's own. */
  rate: v.optional(v.object({ perSecond: number, burst: number })),
});

/** An app as its developers registered it, before and beside any workspace that added it. */
const developerAppSchema = v.object({
  clientId: text,
  clientSecret: text,
  appId: text,
  name: text,
  /** The only address to which people are sent back. */
  redirectUri: text,
  /** Where events of every workspace go. */
  webhookUrl: text,
  /** What signs them, where the platform signs with the app's secret. */
  secrets: v.array(secretSchema),
});

const editSchema = v.object({ text, atMs: number });

/** What happened to a message, as far as its webhook is made of it. */
const happeningSchema = v.object({
  eventId: text,
  /** `posted`, `edited`, `deleted`, `reaction_added`, `reaction_removed`, or the platform's own word. */
  kind: text,
  /** How many edits the message had when it happened: its text then is `textAt(message, version)`. */
  version: number,
  atMs: number,
  /** What the kind needs beyond the message, such as the reaction's name. */
  detail: texts,
});

const messageSchema = v.object({
  id: text,
  /** The platform's id of the author, and the name that people see. */
  author: text,
  authorName: text,
  /** True when the app wrote it. */
  bot: v.boolean(),
  /** The present text; `edits` holds the earlier ones, oldest first, each with the time at which it was replaced. */
  text,
  edits: v.array(editSchema),
  /** Id of the first message of its thread; empty outside threads. */
  thread: text,
  /** Id of the message that it answers; empty when none. */
  replyTo: text,
  createdAtMs: number,
  deleted: v.boolean(),
  file: v.optional(v.object({ id: text, name: text, mime: text, text })),
  /** Whatever else the platform remembers of a message, such as its metadata as JSON. */
  extra: texts,
  /** The latest event about it that its app was told of. */
  lastEvent: v.optional(happeningSchema),
});

const conversationSchema = v.object({
  appId: text,
  id: text,
  name: text,
  /** The platform's own word for what sort of place it is. */
  kind: text,
  messages: v.array(messageSchema),
});

const personSchema = v.object({ appId: text, id: text, name: text });

const attemptSchema = v.object({ atMs: number, status: number, durationMs: number });

const deliverySchema = v.object({
  ...happeningSchema.entries,
  appId: text,
  conversation: text,
  messageId: text,
  attempts: v.array(attemptSchema),
  /** How many attempts were made; `attempts` keeps only the latest. */
  attemptCount: number,
  nextAttemptAtMs: number,
  done: v.boolean(),
});

const stateSchema = v.object({
  version: v.literal(1),
  apps: v.array(appSchema),
  developerApps: v.optional(v.array(developerAppSchema), []),
  people: v.array(personSchema),
  conversations: v.array(conversationSchema),
  counters: v.record(v.string(), number),
  /** Only those that are not done: the log of done ones is evidence, not state. */
  deliveries: v.array(deliverySchema),
});

export type DeveloperApp = v.InferOutput<typeof developerAppSchema>;
export type App = v.InferOutput<typeof appSchema>;
export type SimulatedMessage = v.InferOutput<typeof messageSchema>;
export type Person = v.InferOutput<typeof personSchema>;
export type Happening = v.InferOutput<typeof happeningSchema>;
export type Attempt = v.InferOutput<typeof attemptSchema>;
export type Delivery = v.InferOutput<typeof deliverySchema>;
export type SimulatorState = v.InferOutput<typeof stateSchema>;

/** The state in a saved text, or an empty one when there is none. Throws when the text is not a state: better than to forget silently. */
export function readState(saved: string | undefined): SimulatorState {
  if (saved === undefined || saved === "") {
    return { version: 1, apps: [], developerApps: [], people: [], conversations: [], counters: {}, deliveries: [] };
  }
  return v.parse(stateSchema, JSON.parse(saved));
}

/** The text that a message had after `version` edits. */
export function textAt(message: SimulatedMessage, version: number): string {
  return message.edits[version]?.text ?? message.text;
}
