import { describe, expect, it } from "vitest";
import type { Fault } from "../faults/fault.ts";
import { contradictionIn, faultsOf, type LoadOptions, loadCommand } from "./options.ts";

const run = async () => ({ figures: {}, findings: [] });
const faults: Fault[] = [
  { name: "bus-restart", help: "restarts it", count: { usual: 1, max: 20 }, run },
  { name: "core-stopped", help: "stops it", run },
];

describe("--faults", () => {
  it("takes names, each with a count where it has one", () => {
    const chosen = faultsOf("bus-restart:3, core-stopped", faults);
    expect(chosen.map(({ fault, count }) => [fault.name, count])).toEqual([
      ["bus-restart", 3],
      ["core-stopped", 1],
    ]);
    expect(faultsOf("bus-restart", faults)[0]?.count).toBe(1);
  });

  it("refuses what it does not know, in one line", () => {
    for (const bad of [
      "",
      "bus",
      "bus-restart:0",
      "bus-restart:21",
      "bus-restart:x",
      "core-stopped:2",
      "bus-restart,bus-restart:2",
    ])
      expect(() => faultsOf(bad, faults)).toThrow(/\.$/);
  });
});

function parse(...words: string[]): LoadOptions {
  const command = loadCommand(["slack", "zoho_cliq"], faults).configureOutput({ writeOut: () => {}, writeErr: () => {} });
  return command.parse(words, { from: "user" }).opts<LoadOptions>();
}

describe("the command line", () => {
  it("knows the options of the README", () => {
    const options = parse(
      "--channel",
      "zoho-cliq",
      "--rate",
      "500",
      "--seconds",
      "60",
      "--host",
      "node",
      "--seed",
      "7",
      "--json",
    );
    expect(options).toMatchObject({
      channel: "zoho_cliq",
      rate: 500,
      seconds: 60,
      conversations: 200,
      host: "node",
      seed: 7,
      json: true,
    });
  });

  it("always has a seed", () => {
    expect(parse().seed).toBeTypeOf("number");
  });

  it("refuses odd values", () => {
    for (const [name, value] of [
      ["--channel", "fax"],
      ["--host", "moon"],
      ["--rate", "0"],
      ["--rate", "2.5"],
      ["--seconds", "-1"],
      ["--seed", "x"],
      ["--faults", "flood"],
    ] as const)
      expect(() => parse(name, value), `${name} ${value}`).toThrow();
    expect(() => parse("word")).toThrow();
  });

  it("lists every fault in its help", () => {
    const said: string[] = [];
    const command = loadCommand(["slack"], faults).configureOutput({ writeOut: (text) => void said.push(text) });
    expect(() => command.parse(["--help"], { from: "user" })).toThrow();
    for (const { name, help } of faults) expect(said.join("")).toMatch(new RegExp(`${name} +${help}`));
  });
});

describe("what cannot be run together", () => {
  const withFault = (record: Partial<Fault>, ...words: string[]) => {
    const fault: Fault = { name: "odd", help: "is odd", run, ...record };
    return contradictionIn({ ...parse("--rate", "10", "--seconds", "10", ...words), faults: [{ fault, count: 1 }] });
  };

  it("is said in one line", () => {
    expect(withFault({ secondsMin: 11 })).toBe("odd needs --seconds 11 or more");
    expect(withFault({ rateMax: 9 })).toBe("odd needs --rate 9 or less");
    expect(withFault({ onlyOn: "node" })).toBe("odd is only there with --host node");
    expect(withFault({ onlyFor: ["telegram"] })).toBe("odd is only there with --channel telegram");
  });

  it("is nothing where all fits", () => {
    const fits: Partial<Fault> = { secondsMin: 10, rateMax: 10, onlyOn: "node", onlyFor: ["slack"] };
    expect(withFault(fits, "--host", "node")).toBeUndefined();
  });
});
