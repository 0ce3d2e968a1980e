// What all readers of a log have around their work, on a real stream: which partitions stand still, who hears of it, and until when.
import { makeStream, testBus } from "@mio/proving/kit/bus/bus.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { testContext } from "@mio/proving/kit/core/context.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { streamStateOf } from "@mio/shared/bus/client/jetstream-api.ts";
import type { Work, WorkContext } from "@mio/shared/bus/read/work.ts";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createLogService } from "./log-service.ts";

const stream = "LOG";

/** A running service that reads `log.<a|b>.<partition>`, where a1 and a2 are read together. */
async function started(positions: Readonly<Record<string, number>>, published: readonly string[], kept = published.length) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await testNats());
  const { nats, bus } = stack.use(await testBus(server.url));
  await makeStream(nats, stream, ["log.>"]);
  for (const subject of published) await nats.jetstream().publish(subject);
  await (await nats.jetstreamManager()).streams.purge(stream, { keep: kept });
  const { streamEpochMs } = await streamStateOf(bus, stream);
  for (const [partition, position] of Object.entries(positions)) {
    const entry = { owner: "", epoch: 1, position, finished: [], generation: streamEpochMs };
    await nats.jetstream().publish(`$KV.mio_positions.two-words.${partition}`, JSON.stringify(entry));
  }

  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const context = stack.use(testContext({ nats, dsn: "postgres://nobody@127.0.0.1:1/none", log }));
  let notReady: () => string | undefined = () => "nothing was registered";
  const handled: string[] = [];
  const service = createLogService(
    {
      ...context,
      readiness: (check) => {
        notReady = check;
      },
    },
    {
      name: "two-words",
      stream,
      input: "test",
      records: "records",
      partitions: () => ["a1", "a2", "b1"],
      filterOf: (partition) => `log.${partition.slice(0, 1)}.>`,
      partitionOf: ({ subject }) => subject.split(".")[2],
      work: (work) => keeping(handled, work),
      status: () => ({ of_its_own: 7 }),
    },
  );
  const running = service.run();
  stack.defer(async () => {
    context.stop();
    await running;
  });
  return {
    service,
    nats,
    handled,
    logged: (text: string) => logged.filter((line) => line.includes(text)),
    notReady: () => notReady(),
    section: () => context.sections.get("two_words")?.(),
    stop: async () => {
      context.stop();
      await running;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function keeping(handled: string[], work: WorkContext): Work {
  return {
    accept: (record) => {
      handled.push(record.subject);
      work.finished(record);
      return undefined;
    },
    drain: async () => {},
    abandon: () => {},
  };
}

it("alarms for all partitions that are read together, once in words, and reads the others on", async () => {
  await using reading = await started({ a1: 100, a2: 100 }, ["log.a.a1", "log.b.b1"]);
  const reason = "the test stream ends at 2, before our position 100";
  // The first may be alarmed for before the second is held, and again with it.
  await eventually("alarms for both", () => {
    expect(reading.section()).toHaveProperty("alarms", { a1: reason, a2: reason });
    return true;
  });
  expect(reading.section()).toMatchObject({ lost_unread: 0, of_its_own: 7 });
  expect(reading.notReady()).toBe(`two-words stands still: ${reason}`);
  await eventually("b1 is read", () => reading.handled.includes("log.b.b1"));
  expect(reading.logged("the test stream was restored; reset the positions of two-words").length).toBeGreaterThan(0);
  await reading.stop();
  expect(reading.section()).toHaveProperty("alarms", {});
  expect(reading.section()).toHaveProperty("partitions", []);
  expect(reading.notReady()).toBe(undefined);
});

it("stands still for what its work says, and until it says otherwise", async () => {
  await using reading = await started({}, ["log.b.b1"]);
  await eventually("b1 is read", () => reading.handled.includes("log.b.b1"));
  expect(reading.notReady()).toBe(undefined);
  reading.service.standsStill("b1", "too new");
  reading.service.standsStill("a1", "too old");
  expect(reading.notReady()).toBe("two-words stands still: too new; too old");
  reading.service.goesOn("b1");
  expect(reading.section()).toHaveProperty("alarms", { a1: "too old" });
  reading.service.goesOn("a1");
  expect(reading.notReady()).toBe(undefined);
});

it("counts what left the stream unread, and says so", async () => {
  await using reading = await started({ b1: 1 }, ["log.b.b1", "log.b.b1", "log.b.b1"], 1);
  await eventually("the last is read", () => reading.handled.length === 1);
  expect(reading.section()).toMatchObject({ lost_unread: 1, stream_recreated: 0 });
  expect(reading.logged("test records left the stream unread")).toHaveLength(1);
});
