// Every command's end is one log line with the ids that lead to it, and one count; also an end that no call brought about.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { headers } from "@mio/proving/kit/bus/client.ts";
import { sampleChannel } from "@mio/proving/kit/sample-channel/inbound.ts";
import { createStage, type Stage } from "@mio/proving/kit/sender/stage.ts";
import { outboundMessageId } from "@mio/shared/bus/names/headers.ts";
import { encodeCommand } from "@mio/shared/bus/wire/envelope.ts";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

vi.setConfig({ testTimeout: 120_000 });

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

const traceId = "0123456789abcdef0123456789abcdef";

it("logs and counts what was sent, cancelled, expired by the sweep, and never readable", async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const account = await stage.account("a");
  const later = timestampFromMs(Date.now() + 3_600_000);
  const sent = stage.command(account, "general", "hello", { causeMessageId: "m-1" });
  const waiting = stage.command(account, "later", "never", { notBefore: later });
  // Behind the one that waits in its lane: only the sweep finds it.
  const expiring = stage.command(account, "blocked", "old", { notBefore: later, expiresAt: timestampFromMs(Date.now() + 500) });
  const cancel = stage.command(account, "later", "", { cancelOf: waiting.id });
  const { context } = stage.start({ log });

  const head = headers();
  head.set("traceparent", `00-${traceId}-0123456789abcdef-01`);
  await stage.nats
    .jetstream()
    .publish(`mio.outbound.${sent.channelType}.${sent.accountId}.${sent.conversationId}`, encodeCommand(sent), {
      headers: head,
      msgID: outboundMessageId(sent.id),
    });
  await stage.publish(waiting, expiring);
  await stage.publishRaw(`mio.outbound.odd_channel.${account.id}.c1`, new Uint8Array([255, 1, 2]), "odd");
  await stage.publish(cancel);
  await stage.ended(5);

  const lineOf = (id: string) => lines.filter((line) => line.command_id === id && line.state !== "queued");
  expect(lineOf(sent.id)).toMatchObject([
    {
      state: "sent",
      outcome: "sent",
      channel_type: sampleChannel,
      account_id: account.id,
      conversation_id: sent.conversationId,
      cause_message_id: "m-1",
      trace_id: traceId,
    },
  ]);
  expect(lineOf(waiting.id)).toMatchObject([{ state: "cancelled", conversation_id: waiting.conversationId }]);
  expect(lineOf(cancel.id)).toMatchObject([{ state: "sent" }]);
  expect(lineOf(expiring.id)).toMatchObject([{ state: "expired", error_code: "expired" }]);
  expect(lineOf("odd")).toMatchObject([{ state: "failed", error_code: "undecodable", account_id: account.id }]);
  const counted = await context.metrics.getSingleMetric("mio_gateway_outbound_terminated_total")?.get();
  const counts = counted?.values.map(({ labels, value }) => [labels.channel_type, labels.outcome, value]).sort();
  expect(counts).toEqual([
    [sampleChannel, "cancelled", 1],
    [sampleChannel, "expired", 1],
    ["unknown", "failed", 1],
  ]);
});
