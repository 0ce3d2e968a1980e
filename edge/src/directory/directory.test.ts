import { create, toBinary } from "@bufbuild/protobuf";
import { DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { testSealingKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { directoryKeyOf, sealDirectoryValue } from "@mio/shared/bus/wire/directory.ts";
import { openerOf, parseSealingKeys, sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { randomOf } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { cacheMs, Directory, type Lookup } from "./directory.ts";

const route = "webhook/sample_chat";
const random = randomOf(globalThis.crypto);
const sealer = sealerOf(testSealingKeys, random);
const opener = openerOf(testSealingKeys);
const seal = (removed: boolean, at = route) =>
  sealDirectoryValue(sealer, create(DirectoryValueSchema, { version: 1, route: at, rowVersion: 1n, removed }));
const [present, gone, other] = await Promise.all([seal(false), seal(true), seal(false, "webhook/other")]);

function directory(answers: (Lookup | Error)[]) {
  const clock = manualClock();
  const asked: string[][] = [];
  const lookup = async (keys: string[]) => {
    asked.push(keys);
    const answer = answers.shift();
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("asked once too often");
    return answer;
  };
  return {
    clock,
    asked,
    find: async () => (await new Directory({ lookup }, opener, clock, "local").find([route] as const))[0],
    kept: new Directory({ lookup }, opener, clock, "local"),
  };
}

describe("directory of an isolate", () => {
  it("G11: tells not loaded from unknown", async () => {
    expect((await directory([{ values: [undefined], whole: false }]).find()).kind).toBe("not_loaded");
    expect((await directory([{ values: [undefined], whole: true }]).find()).kind).toBe("unknown");
    expect((await directory([{ values: [present], whole: false }]).find()).kind).toBe("found");
    // Gone is a value that says so; it needs no whole directory.
    expect((await directory([{ values: [gone], whole: false }]).find()).kind).toBe("unknown");
    expect((await directory([new Error("the object is away")]).find()).kind).toBe("not_loaded");
  });

  it("G11: takes a value that it cannot open or read, or that answers another route, for not loaded", async () => {
    const newer = Uint8Array.of(8, 2);
    const value = create(DirectoryValueSchema, { version: 1, route, rowVersion: 1n });
    const otherKeys = parseSealingKeys(`test:${Buffer.alloc(32, 7).toString("base64")}`) ?? [];
    const stranger = await sealDirectoryValue(sealerOf(otherKeys, random), value);
    const changed = present.map((byte, index) => (index === present.length - 5 ? byte ^ 1 : byte));
    for (const bytes of [newer, other, stranger, changed, toBinary(DirectoryValueSchema, value), Uint8Array.of(0xff)])
      expect((await directory([{ values: [bytes], whole: true }]).find()).kind).toBe("not_loaded");
  });

  it("asks by hashed key, and trusts the answer for 5 s, a miss included", async () => {
    for (const values of [[present], [undefined]]) {
      const { kept, clock, asked } = directory([
        { values, whole: true },
        { values, whole: true },
      ]);
      await kept.find([route]);
      await clock.advance(cacheMs - 1);
      await kept.find([route]);
      expect(asked).toEqual([[directoryKeyOf(route)]]);
      await clock.advance(1);
      await kept.find([route]);
      expect(asked.length).toBe(2);
    }
  });

  it("does not remember not loaded, and goes on with what it found when nobody answers", async () => {
    const { kept, clock } = directory([
      { values: [undefined], whole: false },
      { values: [present], whole: true },
      new Error("the object is away"),
      { values: [undefined], whole: false },
    ]);
    expect((await kept.find([route]))[0]?.kind).toBe("not_loaded");
    expect((await kept.find([route]))[0]?.kind).toBe("found");
    for (const _ of ["away", "not loaded"]) {
      await clock.advance(cacheMs);
      expect((await kept.find([route]))[0]?.kind).toBe("found");
    }
  });

  it("G11: does not call a route unknown because it once was, when nobody can be asked any more", async () => {
    const { kept, clock } = directory([{ values: [undefined], whole: true }, new Error("the object is away")]);
    expect((await kept.find([route] as const))[0].kind).toBe("unknown");
    await clock.advance(cacheMs + 1);
    expect((await kept.find([route] as const))[0].kind).toBe("not_loaded");
  });

  it("G11: does not forget who there is over any number of invented routes", async () => {
    const clock = manualClock();
    let away = false;
    const lookup = async (keys: string[]): Promise<Lookup> => {
      if (away) throw new Error("the object is away");
      return { values: keys.map((key) => (key === directoryKeyOf(route) ? present : undefined)), whole: true };
    };
    const kept = new Directory({ lookup }, opener, clock, "local");
    await kept.find([route] as const);
    for (let invented = 0; invented < 12_000; invented++) await kept.find([`workspace/sample_chat/${invented}`] as const);
    away = true;
    expect((await kept.find([route] as const))[0].kind).toBe("found");
  });
});
