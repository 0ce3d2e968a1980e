// A sender in a process of its own, so that it can be killed and paused for real at a named point. Started by `startChild`.
import { randomUUID } from "node:crypto";
import { verdictLimits } from "@mio/core/sender/schedule/verdict.ts";
import { createSender } from "@mio/core/sender/sender.ts";
import { runInChild } from "../core/in-child.ts";
import { sampleOutbound } from "../sample-channel/outbound.ts";
import { connectAs } from "./connection.ts";

const sender = createSender([sampleOutbound(JSON.parse(process.env.MIO_TEST_DOOR ?? "{}"))], {
  limits: { ...verdictLimits, backoff: { startMs: 50, maxMs: 200 } },
});
await runInChild(
  (url) => connectAs("core", url),
  async (context) => {
    context.instance = `child-${process.pid}-${randomUUID().slice(0, 8)}`;
    await sender.run(context);
  },
);
