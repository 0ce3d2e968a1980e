// What a host of the edge claims while something is away: the bus, the connection, the host itself, the directory's bucket, the disk. Run
// by the test of each host; a file a topic.
import { afterEach, beforeEach, describe } from "vitest";
import type { HostKind } from "../../edge/host.ts";
import { busAwayClaims } from "./bus-away.ts";
import { busRefusesClaims } from "./bus-refuses.ts";
import { directoryAwayClaims } from "./directory.ts";
import { restartClaims } from "./restarts.ts";
import { type OutageStage, openStage } from "./stage.ts";
import { storageClaims } from "./storage.ts";

/** Registers the tests. */
export function outageClaims(kind: HostKind): void {
  describe(`${kind.name} in an outage`, () => {
    let stage: OutageStage;
    const at = () => stage;

    beforeEach(async () => {
      stage = await openStage(kind);
    });
    afterEach(() => stage?.[Symbol.asyncDispose]());

    busAwayClaims(at);
    busRefusesClaims(at);
    storageClaims(at);
    restartClaims(at, kind);
    directoryAwayClaims(at);
  });
}
