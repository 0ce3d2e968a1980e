// One owner at a time, by the database's clock for others and by our own, earlier, for us.

import type { NatsConnection } from "@mio/proving/kit/bus/client.ts";
import { type TestContext, testContext } from "@mio/proving/kit/core/context.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { afterAll, afterEach, expect, it } from "vitest";
import { type Lease, leaseCte, leaseValues, whileHolding } from "./lease.ts";
import { createNotifier } from "./wake.ts";

const database = await testDatabase();
const contexts: TestContext[] = [];
const running: Promise<void>[] = [];

afterEach(async () => {
  for (const context of contexts) context.stop();
  await Promise.all(running.splice(0));
  for (const context of contexts.splice(0)) await context[Symbol.asyncDispose]();
});
afterAll(() => database[Symbol.asyncDispose]());

const times = { leaseMs: 1_000, renewEveryMs: 100 };

function contender(name: string, work: (lease: Lease) => Promise<void>): TestContext {
  // A lease needs no bus.
  const context = testContext({ nats: {} as NatsConnection, dsn: database.dsn });
  contexts.push(context);
  running.push(whileHolding(context, name, times, createNotifier(), work));
  return context;
}

/** Works until it may not any more. */
function untilEnd(context: () => TestContext, onLease: (lease: Lease) => void) {
  return (lease: Lease) => {
    onLease(lease);
    const signal = AbortSignal.any([lease.signal, context().signal]);
    return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  };
}

async function writes(context: TestContext, lease: Lease): Promise<boolean> {
  const result = await context.db.query(`with ${leaseCte(1)} select from held`, leaseValues(lease));
  return result.rowCount === 1;
}

it("has one owner, and another with a higher epoch when the first gives it back", async () => {
  const leases: Lease[] = [];
  const note = (lease: Lease) => void leases.push(lease);
  const first: TestContext = contender(
    "one",
    untilEnd(() => first, note),
  );
  await eventually("the first lease", () => leases.length === 1);
  const second: TestContext = contender(
    "one",
    untilEnd(() => second, note),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(leases.length).toBe(1);
  first.stop();
  await eventually("the second lease", () => leases.length === 2);
  expect(leases.map((lease) => lease.epoch)).toEqual([1, 2]);
  expect(leases.map((lease) => lease.held())).toEqual([false, true]);
  expect(leases[0] && (await writes(first, leases[0]))).toBe(false);
  expect(leases[1] && (await writes(second, leases[1]))).toBe(true);
});

it("lapses for us before it does for others when it cannot be renewed, and refuses our statements after a takeover", async () => {
  const leases: Lease[] = [];
  const first: TestContext = contender(
    "two",
    untilEnd(
      () => first,
      (lease) => leases.push(lease),
    ),
  );
  await eventually("the first lease", () => leases.length === 1);
  const lease = leases[0];
  if (lease === undefined) throw new Error("no lease");
  const { query } = first.db;
  // The database does not hear us any more.
  first.db.query = (() => Promise.reject(new Error("away"))) as never;
  const [expiresInMs] = await new Promise<number[]>((resolve) => {
    lease.signal.addEventListener("abort", async () => {
      const found = await contexts[0]?.db.connect();
      const row = await found?.query(
        "select (extract(epoch from expires_at - now()) * 1000)::float8 as ms from sender_leases where name = 'two'",
      );
      found?.release();
      resolve([Number(row?.rows[0]?.ms)]);
    });
  });
  expect(lease.held()).toBe(false);
  expect(expiresInMs).toBeGreaterThan(0);
  first.stop();
  first.db.query = query;
  const second: TestContext = contender(
    "two",
    untilEnd(
      () => second,
      (each) => leases.push(each),
    ),
  );
  await eventually("the second lease", () => leases.length === 2);
  expect(await writes(second, lease)).toBe(false);
});
