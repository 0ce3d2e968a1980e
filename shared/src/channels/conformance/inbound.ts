// What every channel's inbound door must hold, as one suite over its fixtures and its forger: a channel's test calls it with these two.
import { it } from "vitest";
import type { InboundDoor } from "../contract/inbound.ts";
import { fixturesOf, proofFixturesOf, webhookFixturesOf } from "./fixture.ts";
import { describeFixtures } from "./fixture-claims.ts";
import type { Forger } from "./forger.ts";
import { describeForger } from "./forger-claims.ts";
import { describeManners } from "./manner-claims.ts";

export function describeInboundDoor(door: InboundDoor, forger: Forger): void {
  const channelType = door.channel.slug;
  const fixtures = {
    all: fixturesOf(channelType),
    proofs: proofFixturesOf(channelType),
    webhooks: webhookFixturesOf(channelType),
  };
  // proving/channels fails then, and says which are missing.
  if (fixtures.proofs.length === 0 || fixtures.webhooks.length === 0) {
    it.skip(`${channelType}: waits for its fixtures`);
    return;
  }
  describeFixtures(door, fixtures);
  describeForger(door, forger, fixtures);
  describeManners(door, fixtures);
}
