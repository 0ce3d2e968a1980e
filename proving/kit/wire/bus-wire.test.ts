// The wire must do what it says, or a fault would be none.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type BusWire, startBusWire } from "./bus-wire.ts";

let wire: BusWire;
let server: ReturnType<typeof createServer>;
let heard: string;
let client: Socket;
let answered: string;

beforeEach(async () => {
  heard = "";
  answered = "";
  // Says in capitals what it hears.
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard += bytes;
      socket.write(String(bytes).toUpperCase());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  wire = await startBusWire();
  client = connect(Number(new URL(wire.leadTo(`ws://127.0.0.1:${address.port}`)).port), "127.0.0.1");
  client.on("data", (bytes) => {
    answered += bytes;
  });
  client.on("error", () => {});
  client.write("one ");
  await until(() => answered === "ONE ");
});

afterEach(async () => {
  client.destroy();
  await wire[Symbol.asyncDispose]();
  server.close();
});

it("swallows what is asked, and resets on mending", async () => {
  wire.spoil({ kind: "requests_swallowed" });
  client.write("two ");
  await until(() => wire.spoiltBytes() === 4);
  expect([heard, answered]).toEqual(["one ", "ONE "]);
  const closed = new Promise((resolve) => client.once("close", resolve));
  wire.mend();
  await closed;
});

it("swallows what is answered, and lets through what is asked", async () => {
  wire.spoil({ kind: "answers_swallowed" });
  client.write("two ");
  await until(() => heard === "one two " && wire.spoiltBytes() === 4);
  client.write("three ");
  await until(() => heard === "one two three " && wire.spoiltBytes() === 10);
  expect(answered).toBe("ONE ");
});

it("holds answers, gives them in order on mending, and keeps the connection", async () => {
  wire.spoil({ kind: "answers_held", ms: 60_000 });
  client.write("two ");
  await until(() => wire.spoiltBytes() === 4);
  client.write("three ");
  await until(() => wire.spoiltBytes() === 10);
  expect(answered).toBe("ONE ");
  wire.mend();
  client.write("four ");
  await until(() => answered === "ONE TWO THREE FOUR ");
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it did not happen within 10 s");
    await sleep(5);
  }
}
