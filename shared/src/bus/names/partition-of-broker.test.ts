// The broker's own `partition()` is the other side of partitionOf: a real nats-server is asked, not believed.

import { StorageType } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { expect, it } from "vitest";
import partitionVectors from "../../fixtures/partition-vectors.json" with { type: "json" };
import { type AccountId, conversationIdOf, partitionOf } from "../../ids.ts";

const count = 64;
const account = "22222222-2222-4222-8222-222222222222" as AccountId;

it("agrees with the broker on every conversation", async () => {
  await using server = await testNats();
  const connection = await connectTo(server.url);
  const manager = await connection.jetstreamManager();
  await manager.streams.add({
    name: "PARTITIONS",
    subjects: ["in.*"],
    storage: StorageType.Memory,
    subject_transform: { src: "in.*", dest: `out.{{partition(${count},1)}}.{{wildcard(1)}}` },
  });
  const known = partitionVectors.vectors.map((vector) => vector.text).filter((text) => /^[\x21-\x7e]+$/.test(text));
  const ids = [...known, ...Array.from({ length: 500 }, (_, index) => conversationIdOf(account, `chat ${index}`))];
  const js = connection.jetstream();
  for (const id of ids) {
    const { seq } = await js.publish(`in.${id}`);
    const { subject } = await manager.streams.getMessage("PARTITIONS", { seq });
    expect(subject).toBe(`out.${partitionOf(id, count)}.${id}`);
  }
  await connection.close();
});
