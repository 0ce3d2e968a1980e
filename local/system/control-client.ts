// A person's hands and eyes on a simulated platform: the calls of its control API that `say` and tests need, with their answers parsed.
import * as v from "valibot";

/** Which simulator, and which of its apps. */
export interface ControlTarget {
  url: string;
  appId: string;
}

const postedSchema = v.object({ id: v.string(), conversation: v.string() });

const messageSchema = v.object({
  id: v.string(),
  author: v.string(),
  bot: v.boolean(),
  text: v.string(),
  thread: v.nullish(v.string(), ""),
  reply_to: v.nullish(v.string(), ""),
  edits: v.array(v.object({ text: v.string() })),
});
const conversationSchema = v.object({ conversation: v.string(), messages: v.array(messageSchema) });

/** As people see it: `text` is the present one, `edits` the earlier ones. */
export type SeenMessage = v.InferOutput<typeof messageSchema>;
export type Conversation = v.InferOutput<typeof conversationSchema>;

/** Throws with the simulator's own words when it refuses. */
export async function writeMessage(
  target: ControlTarget,
  message: { conversation: string; user: string; text: string },
): Promise<v.InferOutput<typeof postedSchema>> {
  return v.parse(postedSchema, await call(`${target.url}/_control/messages`, { app_id: target.appId, ...message }));
}

export async function readConversation(target: ControlTarget, conversation: string): Promise<Conversation> {
  const query = new URLSearchParams({ app_id: target.appId });
  return v.parse(
    conversationSchema,
    await call(`${target.url}/_control/conversations/${encodeURIComponent(conversation)}?${query}`),
  );
}

async function call(url: string, body?: unknown): Promise<unknown> {
  const init =
    body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw new Error(`the simulator at ${new URL(url).origin} does not answer: is the system still running?`, { cause: error });
  }
  const text = await response.text();
  if (!response.ok) throw new Error(`the simulator refuses: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
