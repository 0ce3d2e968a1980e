// Both doors of a channel against its simulator, in memory: the test moves the clock, and answers the webhooks as the app.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { InboundAccount, OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { InboundDoor, Normalised, WebhookRequest } from "@mio/shared/channels/contract/inbound.ts";
import type { OutboundDoor, SendFetch } from "@mio/shared/channels/contract/outbound.ts";
import type { InstalledApp, SimulatorKind } from "@mio/shared/channels/contract/simulator.ts";
import type { AccountId, TenantId } from "@mio/shared/ids.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { manualClock } from "../time/manual-clock.ts";

export interface Channel {
  inbound: InboundDoor;
  outbound: OutboundDoor;
  simulator: SimulatorKind;
}

export const accountId = "00000000-0000-4000-8000-000000000002" as AccountId;
const tenantId = "00000000-0000-4000-8000-000000000001" as TenantId;

export interface SimulatedOptions {
  /** What an earlier simulator saved. */
  state?: string | undefined;
  clock?: ReturnType<typeof doorsClock>;
  webhookUrl?: string;
  rate?: object | undefined;
}

/** Doors verify by `crypto.subtle`. */
export function doorsClock(startMs?: number) {
  return manualClock({ ...(startMs === undefined ? {} : { startMs }), otherThreads: true });
}

/** Starts the simulator with one app, which is an account of ours. */
export async function startSimulated({ inbound, outbound, simulator: kind }: Channel, options: SimulatedOptions = {}) {
  const clock = options.clock ?? doorsClock();
  const webhooks: (WebhookRequest & { atMs: number })[] = [];
  /** What the app says to the next webhooks; 200 when there is nothing. */
  const answers: Response[] = [];
  const saved: string[] = [];
  const simulator = await kind.create({
    baseUrl: "http://platform",
    clock,
    random: seededRandom(3),
    load: async () => options.state,
    save: async (text) => void saved.push(text),
    fetch: async (url, init) => {
      const body = new TextEncoder().encode(String(init.body));
      webhooks.push({ method: "POST", url, headers: new Headers(init.headers), body, atMs: clock.nowMs() });
      return answers.shift() ?? new Response();
    },
  });
  const ask = async (method: string, path: string, body?: object) => {
    const init = body ? { method, body: JSON.stringify(body) } : { method };
    const response = await simulator.fetch(new Request(`http://platform/_control/${path}`, init));
    return { status: response.status, body: await response.json() };
  };
  const control = async (method: string, path: string, body?: object) => (await ask(method, path, body)).body;
  const webhookUrl = options.webhookUrl ?? `http://edge/webhooks/${inbound.channel.slug}`;
  const rate = options.rate ? { rate: options.rate } : {};
  const app: InstalledApp = await control("POST", "apps", { name: "gate", webhook_url: webhookUrl, ...rate });
  const { settings, credential, externalId } = app.account;
  const account: OutboundAccount = { accountId, externalId, settings, credential };
  const inboundAccount: InboundAccount = { tenantId, accountId, channelType: inbound.channel.slug, externalId, settings };
  const sendFetch: SendFetch = async (url, init) => simulator.fetch(new Request(url, init));

  /** The platform's ids of what the command became; each call has a key of its own. */
  async function deliver(command: MessageInitShape<typeof SendCommandSchema>, editOf?: string, key = "key"): Promise<string[]> {
    const target = editOf === undefined ? undefined : { externalId: editOf };
    const plan = outbound.plan(create(SendCommandSchema, { accountId, ...command }), target);
    if (plan.kind !== "calls") throw new Error(plan.code);
    const delivered: string[] = [];
    for (const [index, call] of plan.calls.entries()) {
      const context = { account, fetch: sendFetch, idempotencyKey: `${key}:${index}` };
      delivered.push((await outbound.deliver(call, context)).externalId);
    }
    return delivered;
  }

  return {
    app,
    account,
    answers,
    ask,
    clock,
    close: () => simulator.close(),
    control,
    deliver,
    normalised: (request: WebhookRequest): Normalised => inbound.read(request).normalise(inboundAccount),
    saved,
    simulator,
    webhooks,
  };
}
