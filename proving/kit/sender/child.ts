// A sender in a process of its own, so that it can be killed and paused for real at a named point. Started by `startChild`.
import { randomUUID } from "node:crypto";
import { checkpoints } from "@mio/core/checkpoint.ts";
import { verdictLimits } from "@mio/core/sender/schedule/verdict.ts";
import { createSender } from "@mio/core/sender/sender.ts";
import { testContext } from "../core/context.ts";
import { connectTo } from "./connection.ts";
import { plainDoor } from "./door.ts";

const { MIO_TEST_NATS = "", MIO_TEST_DSN = "", MIO_TEST_DOOR = "{}", MIO_TEST_CHECKPOINT } = process.env;
const nats = await connectTo(MIO_TEST_NATS);
const context = testContext({
  nats,
  dsn: MIO_TEST_DSN,
  checkpoint: checkpoints(MIO_TEST_CHECKPOINT, (signal) => process.kill(process.pid, signal)),
});
context.instance = `child-${process.pid}-${randomUUID().slice(0, 8)}`;
process.once("SIGTERM", () => context.stop());
process.once("disconnect", () => context.stop());
await createSender([plainDoor(JSON.parse(MIO_TEST_DOOR))], {
  limits: { ...verdictLimits, backoff: { startMs: 50, maxMs: 200 } },
}).run(context);
await context[Symbol.asyncDispose]();
await nats.close();
process.exit(0);
