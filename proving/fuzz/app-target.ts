// The edge's app alone, with the platforms' own doors: a thousand requests a second and more, each seen to its end.
import { create } from "@bufbuild/protobuf";
import { createApp } from "@mio/edge/app.ts";
import { Directory } from "@mio/edge/directory/directory.ts";
import { eventBytesMax, uplinkLimits } from "@mio/edge/uplink/limits.ts";
import { DirectoryValueSchema, type IngressEvent, OAuthAnswer_Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { directoryKeyOf, sealDirectoryValue } from "@mio/shared/bus/wire/directory.ts";
import { decodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import { encodeOAuthAnswer } from "@mio/shared/bus/wire/oauth.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { testSealer } from "../kit/edge/bus.ts";
import { hostileDirectory } from "./directory.ts";
import type { HostileTarget } from "./target.ts";

/** A wall clock that stands still, so that a case says the same on any day. */
const fixedNowMs = 1_763_000_000_000;
const answerWithinMs = 5_000;

export async function appTarget(): Promise<HostileTarget> {
  const values = new Map<string, Uint8Array>();
  for (const init of hostileDirectory()) {
    const value = create(DirectoryValueSchema, { version: 1, ...init });
    values.set(directoryKeyOf(value.route), await sealDirectoryValue(testSealer, value));
  }
  const clock = { ...clockOf(globalThis), nowMs: () => fixedNowMs };
  const directory = { connected: true, whole: true, entries: values.size, sealedWith: {}, readAgeMs: 0 };
  const stranger = encodeOAuthAnswer({ outcome: OAuthAnswer_Outcome.UNKNOWN });
  let stored: IngressEvent[] = [];
  let lines: string[] = [];
  const app = createApp({
    doors: inboundDoors,
    directory: new Directory(
      { lookup: async (keys) => ({ values: keys.map((key) => values.get(key)), whole: true }) },
      testSealer,
      clock,
      "local",
    ),
    close: async () => ({ kind: "stored", spooled: false }),
    // As an uplink that has others to serve too.
    store: async (_, events) => {
      if (events.some(({ length }) => length > eventBytesMax)) return { kind: "too_large" };
      const bytes = events.reduce((sum, { length }) => sum + length, 0);
      if (bytes > uplinkLimits.queueBytesMax / 2) return { kind: "unavailable", reason: "queue_full" };
      for (const each of events) {
        const decoded = decodeIngressEvent(each);
        if (decoded.kind !== "event") throw new Error(`an event of the edge is ${decoded.kind}`);
        stored.push(decoded.event);
      }
      return { kind: "stored", spooled: false };
    },
    askCore: async () => ({ kind: "answered", body: stranger }),
    clock,
    random: seededRandom(1),
    region: "local",
    health: async () => ({ directory: { ...directory, refused: 0, unreadable: 0, openFailures: 0 }, shards: [] }),
    log: (line) => void lines.push(JSON.stringify(line)),
  });
  return {
    nowMs: clock.nowMs,
    send: async ({ target, method, headers, body }) => {
      let request: Request;
      try {
        const withBody = method === "GET" || method === "HEAD" ? {} : { body };
        request = new Request(`https://edge.test${target}`, { method, headers, ...withBody });
      } catch {
        return undefined;
      }
      stored = [];
      lines = [];
      const timer = new AbortController();
      const hung = clock.sleep(answerWithinMs, timer.signal).then(
        () => undefined,
        () => undefined,
      );
      const answered = Promise.resolve(app.fetch(request)).then(async (response) => {
        await response.text();
        return response.status;
      });
      const status = await Promise.race([answered, hung]);
      timer.abort();
      return { status, stored, lines };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
