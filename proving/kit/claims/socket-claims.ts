// What a host claims of connections and bodies, spoken to in bytes: nothing is taken without its whole body, no request hides in another,
// and nobody waits for ever. The tests' own door verifies by a header alone, so that a body cut short would show as an event.
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { directoryOf, type EdgeBus, edgeBus } from "../edge/bus.ts";
import type { HostKind, TestHost } from "../edge/host.ts";
import { sampleChannel, samplePayload } from "../sample-channel/inbound.ts";
import { eventually } from "../time/eventually.ts";

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };
const path = "/webhooks/sample-chat";
const say = (id: string) => samplePayload({ type: "say", workspace: "W1", events: [{ to: "sockets", id, text: "x" }] });

/**
 * Registers the tests. `parses`: whose the reading of HTTP itself is. In front of the Worker stands Cloudflare's own server, of which the local
 * workerd tells nothing; there only what the Worker's code bounds is claimed.
 */
export function socketClaims(kind: HostKind, parses: "we" | "cloudflare"): void {
  describe(`${kind.name}, spoken to in bytes`, () => {
    let bus: EdgeBus;
    let host: TestHost;
    let dataDir: string;

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
      bus = await edgeBus();
      await bus.publish(directoryOf([alice]));
      host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(kind.carrier.portOf(bus.server)) });
      await eventually("it is ready", async () => (await fetch(`${host.url}/health/ready`)).ok);
    });

    afterAll(async () => {
      await host?.stop();
      await bus?.[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    });

    const dial = () => {
      const socket = connect({ port: Number(new URL(host.url).port), host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => {});
      return socket;
    };

    /** Everything that came back until so many final answers, or the end. `after` is what the client does after its last byte. */
    function speak(bytes: string, { answers = 1, after = "wait", withinMs = 20_000 } = {}): Promise<string> {
      return new Promise((resolve) => {
        let said = "";
        const socket = dial();
        const end = () => {
          clearTimeout(timer);
          socket.destroy();
          resolve(said);
        };
        const timer = setTimeout(end, withinMs);
        socket.on("data", (data) => {
          said += data.toString("latin1");
          if (statuses(said).length >= answers) end();
        });
        socket.on("end", end);
        socket.on("close", end);
        socket.write(bytes, "latin1", () => {
          if (after === "half-close") socket.end();
          if (after === "reset") socket.resetAndDestroy();
        });
      });
    }

    const stored = async () =>
      (await bus.arrived()).map(({ event }) =>
        event.body.case === "quarantine"
          ? `quarantine:${Buffer.from(event.body.value.body).toString("utf8")}`
          : event.sourceMessageId,
      );
    const works = async (id: string) => {
      expect(statuses(await speak(post(say(id))))).toEqual([200]);
      expect(await stored()).toContain(`sockets:${id}`);
    };

    it("G1: takes a body in chunks whole", async () => {
      const body = say("chunked");
      const extension = parses === "we" ? ";a=b" : "";
      const chunks = [body.slice(0, 10), body.slice(10)].map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`);
      expect(
        statuses(
          await speak(
            `${head("transfer-encoding: chunked")}${chunks.join("")}0\r\n${extension === "" ? "" : "x-trailer: 1\r\n"}\r\n`,
          ),
        ),
      ).toEqual([200]);
      expect(await stored()).toContain("sockets:chunked");
    });

    it("answers requests that come at once, each by itself and in their order", async () => {
      const bytes = [post(say("p1")), post(say("p2"), alice.secret, "x-a: b"), post("{", "wrong"), post(say("p3"))].join("");
      expect(statuses(await speak(bytes, { answers: 4 }))).toEqual([200, 200, 401, 200]);
      const ids = (await stored()).filter((id) => /^sockets:p\d$/.test(id));
      expect(ids).toEqual(["sockets:p1", "sockets:p2", "sockets:p3"]);
    });

    it("takes one that waits to be told to continue, one of HTTP/1.0, and one whose client closes its side behind it", async () => {
      // Node's server answers nobody who has closed his side; a platform that did would repeat.
      const half = statuses(await speak(post(say("half")), { after: "half-close" }));
      expect(half).toEqual(parses === "we" ? [] : [200]);
      const answer = await speak(post(say("expect"), alice.secret, "expect: 100-continue"), { answers: 1 });
      expect(statuses(answer)).toEqual([200]);
      const old = post(say("old")).replace("HTTP/1.1", "HTTP/1.0");
      expect(statuses(await speak(old))).toEqual([200]);
      expect(await stored()).toEqual(expect.arrayContaining(["sockets:expect", "sockets:old"]));
    });

    it("G1: stores nothing of a body that is cut short, however it is cut", async () => {
      const body = say("cut-short");
      const part = body.slice(0, 40);
      const chunk = `${part.length.toString(16)}\r\n${part}\r\n`;
      const cut = [
        `${head(`content-length: ${body.length}`)}${part}`,
        `${head(`content-length: ${body.length + 1}`)}${body}`,
        `${head("transfer-encoding: chunked")}${chunk}`,
        `${head("transfer-encoding: chunked")}${body.length.toString(16)}\r\n${part}`,
        `${head("transfer-encoding: chunked")}${body.length.toString(16)}\r\n${body}`,
        `${head("transfer-encoding: chunked")}${body.length.toString(16)}\r\n${body}\r\n`,
        head(`content-length: ${body.length}`),
      ];
      for (const bytes of cut)
        for (const after of ["half-close", "reset"])
          expect([bytes.slice(-20), after, statuses(await speak(bytes, { after })).filter((status) => status < 400)]).toEqual([
            bytes.slice(-20),
            after,
            [],
          ]);
      await works("after-cut");
      expect((await stored()).filter((each) => each.includes("cut-short") || each.startsWith("quarantine:"))).toEqual([]);
    });

    if (parses === "we")
      it("G11: takes exactly what the length says, and no request that hides in another's body", async () => {
        const hidden = post(say("hidden"));
        const length = hidden.length;
        const odd = [
          `${head("content-length: 0", `content-length: ${length}`)}${hidden}`,
          `${head(`content-length: ${length}`, "content-length: 0")}${hidden}`,
          `${head(`content-length: 0, ${length}`)}${hidden}`,
          `${head("content-length: -1")}${hidden}`,
          `${head(`content-length: +${length}`)}${hidden}`,
          `${head("content-length: 0x0")}${hidden}`,
          `${head("content-length: 1e1")}${hidden}`,
          `${head("content-length: 99999999999999999999")}${hidden}`,
          `${head("content-length: 18446744073709551616")}${hidden}`,
          `${head(`content-length: ${length}`, "transfer-encoding: chunked")}0\r\n\r\n${hidden}`,
          `${head("transfer-encoding: xchunked", "content-length: 0")}${hidden}`,
          `${head("transfer-encoding: chunked, identity")}0\r\n\r\n${hidden}`,
          `${head("transfer-encoding: chunked", "transfer-encoding: identity")}0\r\n\r\n${hidden}`,
          `${head("transfer-encoding : chunked", "content-length: 0")}${hidden}`,
          `${head("x: y\r\n transfer-encoding: chunked", "content-length : 0")}${hidden}`,
          `${head("transfer-encoding: chunked")}-1\r\n\r\n${hidden}`,
          `${head("transfer-encoding: chunked")}0x0\r\n\r\n${hidden}`,
          `${head("transfer-encoding: chunked")} 0\r\n\r\n${hidden}`,
          `${head("transfer-encoding: chunked")}fffffffffffffffff\r\n${hidden}`,
          `${head("transfer-encoding: chunked")}zz\r\n${hidden}`,
          `${head("transfer-encoding: chunked")}3\r\nabcd\r\n0\r\n\r\n${hidden}`,
        ];
        for (const bytes of odd) {
          const said = await speak(bytes, { answers: 2, after: "half-close" });
          const ids = (await stored()).filter((each) => each.includes("hidden"));
          expect([bytes.slice(60, 160), statuses(said).filter((status) => status < 300), ids]).toEqual([
            bytes.slice(60, 160),
            [],
            [],
          ]);
        }
        await works("after-hidden");
      });

    it.each([
      ["", []],
      [", whatever length it claims", ["content-length: 10"]],
    ])("G11: stops reading a body that never ends%s, and answers 413", async (_, claimed) => {
      const chunk = Buffer.from(`10000\r\n${"x".repeat(65_536)}\r\n`);
      const socket = dial();
      let said = "";
      let sent = 0;
      let closed = false;
      socket.on("data", (data) => {
        said += data.toString("latin1");
      });
      socket.on("close", () => {
        closed = true;
      });
      socket.write(head("transfer-encoding: chunked", ...claimed));
      const most = 64 * 1024 * 1024;
      while (!closed && sent < most && statuses(said).length === 0) {
        sent += chunk.length;
        if (!socket.write(chunk)) await Promise.race([once(socket, "drain"), once(socket, "close"), once(socket, "data")]);
      }
      await eventually("it is answered or cut off", () => closed || statuses(said).length > 0);
      socket.destroy();
      // Both lengths at once are no request at all where we read them.
      expect([413, 400]).toContain(statuses(said).concat(413)[0]);
      expect(sent).toBeLessThan(most);
      await works(`after-endless-${claimed.length}`);
    });

    it("G11: waits for nobody longer than 15 s: slow bodies are answered 408 or cut off, and nothing of them is stored", async () => {
      const body = say("slow");
      const starts = [
        head(`content-length: ${body.length}`) + body.slice(0, -20),
        `${head("transfer-encoding: chunked")}${body.length.toString(16)}\r\n${body.slice(0, -20)}`,
        `${head("transfer-encoding: chunked")}`,
      ];
      const ended = starts.map(
        (bytes) =>
          new Promise<number[]>((resolve) => {
            let said = "";
            const socket = dial();
            socket.write(bytes);
            // One byte of what is left now and then: each alone would keep a careless timer awake.
            let at = body.length - 20;
            const dribble = setInterval(() => at < body.length - 1 && socket.write(body[at++] ?? ""), 700);
            const end = () => {
              clearInterval(dribble);
              socket.destroy();
              resolve(statuses(said));
            };
            socket.on("data", (data) => {
              said += data.toString("latin1");
              if (statuses(said).length > 0) end();
            });
            socket.on("end", end);
            socket.on("close", end);
          }),
      );
      const all = Promise.all(ended);
      await works("beside-slow");
      let answers: number[][] | undefined;
      void all.then((each) => {
        answers = each;
      });
      await eventually("all are answered or cut off", () => answers !== undefined, 15_000);
      expect(answers?.flat().filter((status) => status !== 408 && status !== 400)).toEqual([]);
      expect((await stored()).filter((each) => each.includes("slow") && !each.includes("beside"))).toEqual([]);
    });
  });
}

/** Of final answers. */
function statuses(said: string): number[] {
  return [...said.matchAll(/HTTP\/1\.[01] ([2-9]\d\d)[\s\S]*?\r\n\r\n/g)].map((match) => Number(match[1]));
}

function head(...headers: string[]): string {
  return [`POST ${path} HTTP/1.1`, "host: edge", `x-sample-secret: ${alice.secret}`, ...headers, "", ""].join("\r\n");
}

function post(body: string, secret = alice.secret, ...headers: string[]): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    "host: edge",
    `x-sample-secret: ${secret}`,
    `content-length: ${body.length}`,
    ...headers,
  ];
  return [...lines, "", body].join("\r\n");
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}
