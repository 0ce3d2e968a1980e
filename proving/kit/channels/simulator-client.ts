// A person's side of one simulator: posts, repeats and reads by its control API (shared/src/channels/simulator/README.md).
import * as v from "valibot";

/** How a webhook was answered. Status 0: not at all. */
export interface WebhookAnswer {
  status: number;
  durationMs: number;
}

export interface Posted {
  id: string;
  conversation: string;
  answer: WebhookAnswer;
}

export interface SeenBySimulator {
  id: string;
  bot: boolean;
  text: string;
  /** Earlier texts, oldest first. */
  edits: string[];
}

const posted = v.object({
  id: v.string(),
  conversation: v.string(),
  delivery: v.object({ status: v.number(), duration_ms: v.number() }),
});
const edit = v.pipe(
  v.object({ text: v.string() }),
  v.transform(({ text }) => text),
);
const message = v.object({ id: v.string(), bot: v.boolean(), text: v.string(), edits: v.array(edit) });
const conversation = v.object({ messages: v.array(message) });

/** Longer than any simulator waits for one webhook's answer, its place in the line included. */
const controlTimeoutMs = 180_000;

export class SimulatorClient {
  readonly channelType: string;
  readonly baseUrl: string;

  constructor(channelType: string, baseUrl: string) {
    this.channelType = channelType;
    this.baseUrl = baseUrl;
  }

  /** Posts as a person, and waits until the first attempt at the webhook has ended. */
  async post(message: { conversation: string; user: string; text: string }): Promise<Posted> {
    return postedOf(await this.#call("POST", "messages", { ...message, wait: true }, posted));
  }

  /** The last webhook of a message once more, as a platform does that got no 2xx. */
  async redeliver(message: { conversation: string; id: string }): Promise<Posted> {
    return postedOf(await this.#call("POST", "redeliver", { ...message, wait: true }, posted));
  }

  /** What people see, in order. Empty when nobody was there yet. */
  async messages(name: string): Promise<SeenBySimulator[]> {
    const response = await this.#fetch("GET", `conversations/${encodeURIComponent(name)}`);
    if (response.status === 404) return [];
    return v.parse(conversation, await jsonOf(response)).messages;
  }

  async #call<Schema extends v.GenericSchema>(method: string, path: string, body: unknown, schema: Schema) {
    return v.parse(schema, await jsonOf(await this.#fetch(method, path, body)));
  }

  #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.baseUrl}/_control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      signal: AbortSignal.timeout(controlTimeoutMs),
    });
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`the simulator refused: ${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

function postedOf(body: v.InferOutput<typeof posted>): Posted {
  return {
    id: body.id,
    conversation: body.conversation,
    answer: { status: body.delivery.status, durationMs: body.delivery.duration_ms },
  };
}
