// The wire must do what it says, or a fault would be none.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { OwnConnection } from "@mio/shared/bus/client/connection.ts";
import { tcpClient } from "@mio/shared/bus/client/tcp.ts";
import { webSocketClient } from "@mio/shared/bus/client/ws.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testNats } from "../bus/nats.ts";
import { tcp, webSocket } from "../edge/host.ts";
import { eventually } from "../time/eventually.ts";
import { startWire, type Wire, wireTo } from "./wire.ts";

describe("a wire to somebody who says in capitals what it hears", () => {
  let wire: Wire;
  let server: ReturnType<typeof createServer>;
  let heard: string;
  let client: Socket;
  let answered: string;

  beforeEach(async () => {
    heard = "";
    answered = "";
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
    wire = await wireTo(address.port);
    client = dial();
    client.on("data", (bytes) => {
      answered += bytes;
    });
    client.write("one ");
    await eventually("the first answer", () => answered === "ONE ");
  });

  afterEach(async () => {
    client.destroy();
    await wire[Symbol.asyncDispose]();
    server.close();
  });

  const dial = () => connect(wire.port, "127.0.0.1").on("error", () => {});
  const closed = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

  it("passes on what is said, counts who holds it, and lets go of who leaves", async () => {
    expect([heard, answered, wire.connections, wire.spoiltBytes]).toEqual(["one ", "ONE ", 1, 0]);
    client.destroy();
    await eventually("it is let go", () => wire.connections === 0);
  });

  it("swallows what is asked, and resets on mending", async () => {
    wire.spoil({ kind: "requests_swallowed" });
    const spoilt = wire.spoilt();
    client.write("two ");
    await spoilt;
    expect([heard, answered, wire.spoiltBytes]).toEqual(["one ", "ONE ", 4]);
    const gone = closed(client);
    wire.mend();
    await gone;
  });

  it("swallows what is answered, and lets through what is asked", async () => {
    wire.spoil({ kind: "answers_swallowed" });
    client.write("two ");
    await eventually("the second is swallowed", () => heard === "one two " && wire.spoiltBytes === 4);
    client.write("three ");
    await eventually("the third is swallowed", () => heard === "one two three " && wire.spoiltBytes === 10);
    expect(answered).toBe("ONE ");
  });

  it("holds answers, gives them in order on mending, and keeps the connection", async () => {
    wire.spoil({ kind: "answers_held", ms: 60_000 });
    client.write("two ");
    await eventually("the second is held", () => wire.spoiltBytes === 4);
    client.write("three ");
    await eventually("the third is held", () => wire.spoiltBytes === 10);
    expect(answered).toBe("ONE ");
    wire.mend();
    client.write("four ");
    await eventually("all have arrived", () => answered === "ONE TWO THREE FOUR ");
  });

  it("hangs whoever is there, and lets new ones pass", async () => {
    wire.spoil({ kind: "hung" });
    client.write("two ");
    const other = dial();
    const said = once(other, "data");
    other.write("three ");
    expect(String(await said)).toBe("THREE ");
    expect([heard, answered]).toEqual(["one three ", "ONE "]);
    const gone = closed(client);
    wire.mend();
    await gone;
    other.destroy();
  });

  it("breaks connections when it is cut, and refuses new ones until it is mended", async () => {
    const gone = closed(client);
    wire.cut();
    await gone;
    await closed(dial());
    expect(wire.connections).toBe(0);
    wire.mend();
    const other = dial();
    const said = once(other, "data");
    other.write("two ");
    expect(String(await said)).toBe("TWO ");
    other.destroy();
  });
});

it("ends connections while it leads nowhere", async () => {
  await using wire = await startWire();
  const to = { servers: [webSocket.urlOf(wire.port)], name: "x", timeoutMs: 1_000 };
  await expect(webSocketClient.connect(to)).rejects.toThrow();
});

describe.each([
  { carrier: webSocket, by: webSocketClient },
  { carrier: tcp, by: tcpClient },
])("over $carrier.name, between a real nats-server and real clients", ({ carrier, by }) => {
  it("cuts off only the connection that is named, by reset and in silence, and mends", async () => {
    await using nats = await testNats();
    await using wire = await wireTo(carrier.portOf(nats));
    const client = (name: string) =>
      by.connect({ servers: [carrier.urlOf(wire.port)], name, reconnect: { waitMs: 50, jitterMs: 100 } });
    const [first, second] = [await client("edge-local-1-0"), await client("edge-local-1-1")];
    try {
      expect(wire.names.toSorted()).toEqual(["edge-local-1-0", "edge-local-1-1"]);

      for (const kind of ["cut", "silent"] as const) {
        wire.spoil({ kind }, /-0$/);
        await expect(roundTrip(first, 300)).rejects.toThrow();
        await roundTrip(second, 5_000);
        wire.mend();
        await eventually("it is connected again", async () => {
          await roundTrip(first, 500);
          return true;
        });
      }
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });
});

/** A flush waits for the server's PONG, and so for both directions. */
async function roundTrip(client: Pick<OwnConnection, "flush">, timeoutMs: number): Promise<void> {
  const timer = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_resolve, reject) => timer.addEventListener("abort", () => reject(new Error("no answer"))));
  await Promise.race([client.flush(), late]);
}
