// Who may claim what, as tables.
import { describe, expect, it } from "vitest";
import { type Candidate, claimOver, decideRound, liveReplicas, type Sightings } from "./claims.ts";
import { type Entry, unreadableOwner } from "./entries.ts";

const claimAfterMs = 10_000;
const nowMs = 50_000;

function entry(owner: string, over: Partial<Entry> = {}): Entry {
  return { owner, epoch: 1, position: 41, finished: [43], streamEpochMs: undefined, ...over };
}

function decided(candidates: readonly Candidate[], over: Partial<Parameters<typeof decideRound>[0]> = {}) {
  return decideRound({ instance: "me", candidates, replicas: 1, held: new Map(), seen: new Map(), nowMs, claimAfterMs, ...over });
}

describe("a partition may be claimed", () => {
  const sighted = (value: number, sinceMs: number): Sightings => new Map([["p", { value, sinceMs }]]);
  const cases: [string, Candidate["found"], Sightings, boolean][] = [
    ["when nobody ever held it", undefined, new Map(), true],
    ["when it was given back", { revision: 7, entry: entry("") }, new Map(), true],
    ["when it is ours by name", { revision: 7, entry: entry("me") }, new Map(), true],
    ["not when nobody can read whose it is", { revision: 7, entry: entry(unreadableOwner) }, sighted(7, 0), false],
    ["not when its owner is seen for the first time", { revision: 7, entry: entry("other") }, new Map(), false],
    ["not when its owner has moved since", { revision: 7, entry: entry("other") }, sighted(6, 0), false],
    ["not a moment too early", { revision: 7, entry: entry("other") }, sighted(7, nowMs - claimAfterMs + 1), false],
    [
      "when its owner has been silent for long enough",
      { revision: 7, entry: entry("other") },
      sighted(7, nowMs - claimAfterMs),
      true,
    ],
  ];
  it.each(cases)("%s", (_, found, seen, may) => {
    expect(decided([{ partition: "p", found }], { seen }).claims).toEqual(may ? [{ partition: "p", found }] : []);
  });

  it("G3: only by a silence that begins with what was seen last", () => {
    const found = (revision: number) => [{ partition: "p", found: { revision, entry: entry("other") } }];
    let seen: Sightings = new Map();
    for (const [atMs, revision, may] of [
      [0, 1, false],
      [9_999, 1, false],
      [10_000, 2, false],
      [19_999, 2, false],
      [20_000, 2, true],
    ] as const) {
      const round = decided(found(revision), { seen, nowMs: atMs });
      expect(round.claims, `at ${atMs}`).toHaveLength(may ? 1 : 0);
      seen = round.seen;
    }
  });
});

describe("a replica's share", () => {
  const state = (...states: ("held" | "releasing")[]) => new Map(states.map((each, index) => [`p${index}`, { state: each }]));
  const cases: [string, number, number, ReturnType<typeof state>, number, string[]][] = [
    ["is everything when it is alone", 8, 1, state(), 8, []],
    ["is rounded up", 5, 2, state(), 3, []],
    ["is what it has already, and the rest", 5, 2, state("held"), 2, []],
    ["counts what is being given back until it is gone", 4, 2, state("held", "releasing"), 0, []],
    ["gives back the youngest above it", 4, 2, state("held", "held", "held"), 0, ["p2"]],
    ["gives nothing back twice", 4, 2, state("held", "releasing", "held"), 0, []],
    ["is nothing of nothing", 0, 3, state(), 0, []],
  ];
  it.each(cases)("%s", (_, partitions, replicas, held, claims, surplus) => {
    const candidates = Array.from({ length: partitions }, (_, index) => ({ partition: `p${index}`, found: undefined }));
    const round = decided(candidates, { replicas, held });
    expect([round.claims.length, round.surplus]).toEqual([claims, surplus]);
    expect(round.claims.some(({ partition }) => held.has(partition))).toBe(false);
  });
});

describe("what a claim begins with", () => {
  const stood = { position: 41, finished: [43] };
  const cases: [string, Entry | undefined, number | undefined, Partial<ReturnType<typeof claimOver>>][] = [
    ["nothing, when nobody ever held it", undefined, 1_000, { start: undefined, abandoned: undefined }],
    ["nothing, when it was emptied by a person", entry("", { epoch: 0, position: 0, finished: [] }), 1_000, { start: undefined }],
    ["the position of the same stream", entry("", { streamEpochMs: 1_000 }), 1_000, { start: stood, abandoned: undefined }],
    ["a position of before streams were told apart", entry(""), 1_000, { start: stood, abandoned: undefined }],
    [
      "a position that cannot be asked about",
      entry("", { streamEpochMs: 1_000 }),
      undefined,
      { start: stood, abandoned: undefined },
    ],
    ["nothing of another stream's position", entry("", { streamEpochMs: 1_000 }), 2_000, { start: undefined, abandoned: stood }],
  ];
  it.each(cases)("G2: %s", (_, found, streamEpochMs, expected) => {
    const claim = claimOver(found, "me", streamEpochMs);
    expect(claim).toMatchObject(expected);
    const from = claim.start ?? { position: 0, finished: [] };
    expect(claim.entry).toEqual({ owner: "me", epoch: (found?.epoch ?? 0) + 1, streamEpochMs, ...from });
  });
});

it("counts the replicas whose beats move, and names none that has been silent for as long as a claim takes", () => {
  const seen: Sightings = new Map([
    ["silent", { value: 3, sinceMs: nowMs - claimAfterMs }],
    ["quiet", { value: 3, sinceMs: nowMs - claimAfterMs + 1 }],
    ["moved", { value: 3, sinceMs: 0 }],
    ["gone", { value: 3, sinceMs: 0 }],
  ]);
  const found = liveReplicas({ silent: 3, quiet: 3, moved: 4, fresh: 1, me: 9 }, "me", seen, nowMs, claimAfterMs);
  expect(found.live).toEqual({ quiet: 3, moved: 4, fresh: 1 });
  expect([...found.seen.keys()].sort()).toEqual(["fresh", "moved", "quiet", "silent"]);
});
