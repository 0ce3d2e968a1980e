// What Slack posts, as typed values: the only place where its bytes are parsed. Only fields that we use are read; a field that
// Slack adds is no error, a used field of the wrong type is.
import * as v from "valibot";
import type { WebhookRequest } from "../../contract/inbound.ts";
import { jsonOf, textOf } from "../../kit/json.ts";
import { platformId } from "../../kit/platform-id.ts";

const id = platformId(255);
const text = v.pipe(
  v.string(),
  v.transform((value) => value.toWellFormed()),
);
const optional = <Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

const file = v.object({
  id: optional(text),
  name: optional(text),
  mimetype: optional(text),
  size: optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))),
  mode: optional(text),
  file_access: optional(text),
  url_private: optional(text),
  url_private_download: optional(text),
});

const profile = v.object({ display_name: optional(text), real_name: optional(text) });

const messageEntries = {
  ts: id,
  subtype: optional(text),
  user: optional(id),
  username: optional(text),
  bot_id: optional(id),
  app_id: optional(id),
  bot_profile: optional(v.object({ name: optional(text) })),
  user_profile: optional(profile),
  text: optional(text),
  thread_ts: optional(id),
  files: optional(v.array(file)),
  edited: optional(v.object({ user: optional(id), ts: id })),
};
const message = v.object(messageEntries);

const messageEvent = v.object({
  ...messageEntries,
  type: v.picklist(["message", "app_mention"]),
  channel: id,
  channel_type: optional(text),
  event_ts: optional(id),
  hidden: optional(v.boolean()),
});

const changedEvent = v.object({
  channel: id,
  channel_type: optional(text),
  ts: id,
  message,
  previous_message: optional(message),
});

const deletedEvent = v.object({
  channel: id,
  channel_type: optional(text),
  ts: id,
  deleted_ts: id,
  previous_message: optional(message),
});

const reactionEvent = v.object({
  type: v.picklist(["reaction_added", "reaction_removed"]),
  user: id,
  reaction: id,
  item: v.object({ type: text, channel: optional(id), ts: optional(id) }),
  event_ts: id,
});

/** Who it is for is read also where the rest is malformed: then it can be put into the right quarantine. */
const workspaceId = v.fallback(optional(id), undefined);
const workspaceFields = v.object({
  team_id: workspaceId,
  enterprise_id: workspaceId,
  context_team_id: workspaceId,
  context_enterprise_id: workspaceId,
  authorizations: v.fallback(optional(v.array(v.object({ team_id: workspaceId, enterprise_id: workspaceId }))), undefined),
});

const envelope = v.object({
  type: text,
  challenge: optional(text),
  event: optional(v.looseObject({ type: text, subtype: optional(text) })),
});

const option = v.object({ value: optional(text) });
const action = v.object({
  type: text,
  action_id: id,
  action_ts: id,
  value: optional(text),
  selected_option: optional(option),
  selected_options: optional(v.array(option)),
  selected_user: optional(text),
  selected_conversation: optional(text),
  selected_channel: optional(text),
  selected_date: optional(text),
  selected_time: optional(text),
});

const interactionWorkspaceFields = v.object({
  team: v.fallback(optional(v.object({ id })), undefined),
  enterprise: v.fallback(optional(v.object({ id })), undefined),
  user: v.fallback(optional(v.object({ team_id: workspaceId })), undefined),
});

const blockActions = v.object({
  user: v.object({ id, username: optional(text), name: optional(text) }),
  container: v.object({ type: text, message_ts: optional(id), channel_id: optional(id), thread_ts: optional(id) }),
  channel: optional(v.object({ id, name: optional(text) })),
  message: optional(v.object({ thread_ts: optional(id) })),
  response_url: optional(text),
  actions: v.pipe(v.array(action), v.maxLength(25)),
});

const command = v.object({
  team_id: id,
  enterprise_id: optional(id),
  channel_id: id,
  channel_name: optional(text),
  user_id: id,
  user_name: optional(text),
  command: id,
  text: optional(text),
  response_url: optional(text),
  trigger_id: id,
});

export type SlackFile = v.InferOutput<typeof file>;
export type SlackMessage = v.InferOutput<typeof message>;
export type MessageEvent = v.InferOutput<typeof messageEvent>;
export type ChangedEvent = v.InferOutput<typeof changedEvent>;
export type DeletedEvent = v.InferOutput<typeof deletedEvent>;
export type ReactionEvent = v.InferOutput<typeof reactionEvent>;
export type BlockActions = v.InferOutput<typeof blockActions>;
export type SlackAction = v.InferOutput<typeof action>;
export type SlashCommand = v.InferOutput<typeof command>;

export type SlackContent =
  | { kind: "url_verification"; challenge: string }
  | { kind: "message"; event: MessageEvent }
  | { kind: "changed"; event: ChangedEvent }
  | { kind: "deleted"; event: DeletedEvent }
  | { kind: "reaction"; event: ReactionEvent }
  | { kind: "block_actions"; interaction: BlockActions }
  | { kind: "command"; command: SlashCommand }
  | { kind: "ssl_check" }
  /** Well-formed, and nothing that this channel turns into a message. */
  | { kind: "other"; reason: string }
  | { kind: "malformed"; reason: string };

/** `workspaces`: every workspace and organisation that the payload names, the most telling first. */
export type SlackPayload = { workspaces: string[]; content: SlackContent };

/** Parses a body as its Content-Type says. Never throws. */
export function parsePayload(request: WebhookRequest): SlackPayload {
  const body = textOf(request.body);
  if (body === undefined) return { workspaces: [], content: malformed("not_utf8") };
  if (!isForm(request)) return eventPayload(jsonOf(body));
  const form = new URLSearchParams(body);
  const interaction = form.get("payload");
  return interaction === null ? formPayload(form) : interactionPayload(jsonOf(interaction));
}

export function isForm(request: WebhookRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers.get("content-type") ?? "");
}

function formPayload(form: URLSearchParams): SlackPayload {
  if (form.get("ssl_check") === "1") return { workspaces: [], content: { kind: "ssl_check" } };
  const fields = Object.fromEntries(form);
  const named = v.safeParse(workspaceFields, fields);
  const workspaces = named.success ? known([named.output.team_id, named.output.enterprise_id]) : [];
  return { workspaces, content: read(command, fields, "command", (value) => ({ kind: "command", command: value })) };
}

function interactionPayload(value: unknown): SlackPayload {
  const named = v.safeParse(interactionWorkspaceFields, value);
  if (!named.success) return { workspaces: [], content: malformed(value === undefined ? "not_json" : "interaction_shape") };
  const { team, enterprise, user } = named.output;
  return { workspaces: known([team?.id, enterprise?.id, user?.team_id]), content: interactionContent(value) };
}

function interactionContent(value: unknown): SlackContent {
  return read(v.object({ type: text }), value, "interaction", ({ type }) =>
    type === "block_actions"
      ? read(blockActions, value, "interaction", (interaction) => ({ kind: "block_actions", interaction }))
      : { kind: "other", reason: "interaction_type" },
  );
}

function eventPayload(value: unknown): SlackPayload {
  const named = v.safeParse(workspaceFields, value);
  if (!named.success) return { workspaces: [], content: malformed(value === undefined ? "not_json" : "envelope_shape") };
  const { authorizations, ...ids } = named.output;
  const [authorization] = authorizations ?? [];
  const workspaces = known([
    ids.context_team_id,
    authorization?.team_id,
    ids.team_id,
    ids.context_enterprise_id,
    authorization?.enterprise_id,
    ids.enterprise_id,
  ]);
  return { workspaces, content: read(envelope, value, "envelope", envelopeContent) };
}

function envelopeContent({ type, challenge, event }: v.InferOutput<typeof envelope>): SlackContent {
  switch (type) {
    case "url_verification":
      return challenge ? { kind: "url_verification", challenge } : malformed("envelope_challenge");
    case "event_callback":
      return event ? eventContent(event) : malformed("envelope_event");
    case "app_rate_limited":
      return { kind: "other", reason: "app_rate_limited" };
    default:
      return { kind: "other", reason: "envelope_type" };
  }
}

function eventContent(event: { type: string; subtype?: string | null | undefined }): SlackContent {
  switch (event.type) {
    case "message":
    case "app_mention":
      break;
    case "reaction_added":
    case "reaction_removed":
      return read(reactionEvent, event, "event", (value) => ({ kind: "reaction", event: value }));
    default:
      return { kind: "other", reason: "event_type" };
  }
  switch (event.subtype) {
    case "message_changed":
      return read(changedEvent, event, "event", (value) => ({ kind: "changed", event: value }));
    case "message_deleted":
      return read(deletedEvent, event, "event", (value) => ({ kind: "deleted", event: value }));
    default:
      return read(messageEvent, event, "event", (value) => ({ kind: "message", event: value }));
  }
}

/** `what` and the first wrong field of our own schema name a failure: a bounded set. */
function read<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
  contentOf: (value: v.InferOutput<Schema>) => SlackContent,
): SlackContent {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return contentOf(parsed.output);
  const names = parsed.issues[0].path?.map((item) => item.key).filter((key) => typeof key === "string") ?? [];
  return malformed(`${what}_${names.length > 0 ? names.join("_") : "shape"}`);
}

function known(ids: readonly (string | null | undefined)[]): string[] {
  return ids.filter((each): each is string => each !== null && each !== undefined);
}

function malformed(reason: string): SlackContent {
  return { kind: "malformed", reason };
}
