// The smallest useful agent: it says that it thinks, then edits that into an answer which quotes the question.
// Run it with MIO_NATS_URL, MIO_NATS_USER, MIO_NATS_PASSWORD, MIO_AGENT_GROUP and MIO_AGENT_ACCOUNTS=<account_id>,…
import { setTimeout as delay } from "node:timers/promises";
import { connect, type Handling, type Message, MessageRelation_Kind } from "@mio/sdk";

/** A model would take much longer; the point is that nobody waits for it. */
const thinkingMs = Number(process.env.MIO_AGENT_THINKING_MS ?? 300);

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
// Started by a parent that holds an IPC channel (local play): its end is ours.
process.once("disconnect", () => stop.abort());

try {
  await run();
} catch (error) {
  console.error(`echo-agent: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
process.disconnect?.();

async function run(): Promise<void> {
  await using mio = await connect({
    servers: required("MIO_NATS_URL").split(","),
    user: process.env.MIO_NATS_USER,
    password: process.env.MIO_NATS_PASSWORD,
    group: required("MIO_AGENT_GROUP"),
    accounts: required("MIO_AGENT_ACCOUNTS").split(","),
  });
  process.send?.({ kind: "ready" });
  await mio.consume(answer, {
    signal: stop.signal,
    onParked: (message, error) => console.error(`parked ${message.id}:`, error),
    onTrouble: (error) => console.error("echo-agent:", error),
  });
}

async function answer(message: Message, handling: Handling): Promise<void> {
  if (!isQuestion(message)) return;
  const thinking = await handling.reply({ text: "thinking…" });
  checkpoint("sent");
  await delay(thinkingMs, undefined, { signal: handling.signal });
  await handling.edit(thinking, { text: `You asked: “${message.text}”. A model would answer here.` });
}

/** Edits, deletions and reactions are told too; this agent answers only what somebody newly wrote. */
function isQuestion(message: Message): boolean {
  const kind = message.relation?.kind ?? MessageRelation_Kind.UNSPECIFIED;
  const newlyWritten = kind === MessageRelation_Kind.UNSPECIFIED || kind === MessageRelation_Kind.REPLY;
  return newlyWritten && message.text !== "" && message.sender?.isBot !== true;
}

/** Fault runs end the agent here, once: `MIO_AGENT_CHECKPOINT=sent:kill`. */
function checkpoint(name: string): void {
  if (process.env.MIO_AGENT_CHECKPOINT === `${name}:kill`) process.kill(process.pid, "SIGKILL");
}

function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`echo-agent: ${name} is not set; npm start sets it, or see the head of this file`);
  process.exit(1);
}
