// What the golden state holds, in words that a test can judge: written by make.ts from what the platforms were answered and what the
// database says, read by golden.test.ts.
import { createHash } from "node:crypto";
import * as v from "valibot";
import { channels, hosts } from "./system.ts";

/**
 * How far a message had come: answered by the agent, or acknowledged to its platform and no further than that stream or spool.
 */
const places = ["answered", "enriched", "inbound", "ingress", "spool"] as const;
export type Place = (typeof places)[number];

/** In the ledger. */
export const commandStates = ["queued", "sending", "sent", "failed", "expired", "cancelled", "unknown"] as const;

const message = v.object({
  /** `n:<conversation>:<k>`, counted from 1 in the order in which they were acknowledged. */
  text: v.string(),
  kind: v.picklist(["question", "edit"]),
  place: v.picklist(places),
  /** The platform's own id of the message, for a repeat of its webhook. */
  platformId: v.string(),
});

const conversation = v.object({
  name: v.string(),
  accountId: v.string(),
  /** The platform's own name of it. */
  externalId: v.string(),
  messages: v.array(message),
  /** Texts of those whose webhook came once more during the outage, and was answered 200 once more. */
  repeated: v.array(v.string()),
});

const account = v.object({
  accountId: v.string(),
  channelType: v.picklist(channels),
  host: v.picklist(hosts),
  /** The name of our app on the simulated platform. */
  app: v.string(),
  disabled: v.boolean(),
  /** Never the secrets themselves: they stand in the dump. */
  secrets: v.array(v.object({ purpose: v.string(), scheme: v.string(), sha256: v.string() })),
});

const command = v.object({
  id: v.string(),
  accountId: v.string(),
  /** In the ledger with its state, or on the bus and not taken in yet. */
  state: v.picklist([...commandStates, "on_the_bus"]),
  /** What people see once it is sent; empty for the agent's, which are judged by their answers. */
  text: v.string(),
});

export const expectedSchema = v.object({
  commit: v.string(),
  madeAt: v.pipe(v.string(), v.isoTimestamp()),
  tenants: v.array(v.object({ id: v.string(), slug: v.string() })),
  accounts: v.array(account),
  conversations: v.array(conversation),
  commands: v.array(command),
  /** By stream. */
  messages: v.record(v.string(), v.number()),
  /** Subjects: each is one entry's own. */
  quarantine: v.array(v.string()),
  deadLetters: v.array(v.string()),
  /** Rows by host. */
  spooled: v.object({ worker: v.number(), node: v.number() }),
  tables: v.record(v.string(), v.number()),
});

export type Expected = v.InferOutput<typeof expectedSchema>;
export type ExpectedConversation = v.InferOutput<typeof conversation>;
export type ExpectedCommand = v.InferOutput<typeof command>;

/** A secret's id: enough to see that it is the same. */
export function fingerprintOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}
