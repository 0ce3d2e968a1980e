// The child's side of child-process.ts: one service in a process of its own, until its parent says stop or is gone.
import { checkpoints } from "@mio/core/process/checkpoint.ts";
import type { NatsConnection } from "../bus/client.ts";
import { type TestContext, testContext } from "./context.ts";

/** Ends the process. `connect` gets the bus's url. */
export async function runInChild(
  connect: (url: string) => Promise<NatsConnection>,
  run: (context: TestContext) => Promise<void>,
): Promise<never> {
  const { MIO_TEST_NATS = "", MIO_TEST_DSN = "", MIO_TEST_CHECKPOINT, MIO_TEST_ENV = "{}" } = process.env;
  const nats = await connect(MIO_TEST_NATS);
  const checkpoint = checkpoints(MIO_TEST_CHECKPOINT, (signal) => process.kill(process.pid, signal));
  const context = testContext({ nats, dsn: MIO_TEST_DSN, env: JSON.parse(MIO_TEST_ENV), checkpoint });
  process.once("SIGTERM", () => context.stop());
  process.once("disconnect", () => context.stop());
  await run(context);
  await context[Symbol.asyncDispose]();
  await nats.close();
  process.exit(0);
}
