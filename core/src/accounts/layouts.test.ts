import { shardIn, shardsOf } from "@mio/shared/layout.ts";
import { expect, it } from "vitest";
import { closedBy, openShards } from "./layouts.ts";

it("lists every shard of several layouts once, whichever of them had more", () => {
  expect(shardsOf([])).toEqual([]);
  const layouts = [
    { region: "eu", shardCount: 2 },
    { region: "us", shardCount: 1 },
    { region: "eu", shardCount: 3 },
    { region: "eu", shardCount: 1 },
  ];
  expect(shardsOf(layouts).map(({ region, shard }) => `${region}.${shard}`)).toEqual(["eu.0", "eu.1", "eu.2", "us.0"]);
});

it("puts every key into a shard that the layout has", () => {
  const shards = shardsOf([{ region: "eu", shardCount: 3 }]).map(({ shard }) => shard);
  const found = new Set(Array.from({ length: 200 }, (_, key) => shardIn({ region: "eu", shardCount: 3 }, `conversation ${key}`)));
  expect([...found].sort()).toEqual(shards);
});

it("calls a layout closed by an edge that has closed each of its shards, and by no other", () => {
  const previous = [
    { region: "eu", shard_count: 2 },
    { region: "us", shard_count: 1 },
  ];
  const all = ["eu.0", "eu.1", "us.0"];
  const closings = (edge: string, places: readonly string[]) =>
    places.map((place) => ({ edge, region: place.slice(0, 2), shard: Number(place.slice(3)) }));
  const noted = [...closings("west", all), ...closings("east", all.slice(1)), ...closings("north", all)];
  expect(closedBy(previous, noted)).toEqual(["north", "west"]);
  expect(openShards(previous, noted, "east")).toEqual([{ edge: "east", region: "eu", shard: 0 }]);
  expect(openShards(previous, noted, "south").map(({ region, shard }) => `${region}.${shard}`)).toEqual(all);
  expect(closedBy([], noted)).toEqual([]);
});
