// dedup in a process of its own, so that it can be killed and paused for real at a named point. Started by `startChild` of bench.ts.

import { checkpoints } from "@mio/core/checkpoint.ts";
import { dedup } from "@mio/core/dedup/service.ts";
import { connect } from "nats";
import { testContext } from "../core/context.ts";

const { MIO_TEST_NATS = "", MIO_TEST_DSN = "", MIO_TEST_CHECKPOINT } = process.env;
const nats = await connect({
  servers: MIO_TEST_NATS,
  inboxPrefix: "_INBOX_core",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
  noAsyncTraces: true,
});
const context = testContext({
  nats,
  dsn: MIO_TEST_DSN,
  checkpoint: checkpoints(MIO_TEST_CHECKPOINT, (signal) => process.kill(process.pid, signal)),
});
process.once("SIGTERM", () => context.stop());
process.once("disconnect", () => context.stop());
await dedup.run(context);
await context[Symbol.asyncDispose]();
await nats.close();
process.exit(0);
