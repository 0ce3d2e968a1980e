// The words of the bus are spelt once: subjects in subjects.ts, durables in streams.ts. Whoever needs one imports it.
import { streams } from "@mio/shared/bus/names/streams.ts";
import { directions } from "@mio/shared/bus/names/subjects.ts";
import { describe, expect, it } from "vitest";
import { codeOf, shippedFilesIn } from "./imports.ts";

const files = ["shared/src", "edge/src", "core/src", "sdk/typescript", "local"].flatMap(shippedFilesIn);
const subjectsFile = "shared/src/bus/names/subjects.ts";
const streamsFile = "shared/src/bus/names/streams.ts";

/** A text that begins as a subject does, or holds the beginning of one; protobuf's names (`mio.v1.Message`, `mio.edge.v1.…`) are none. */
const kinds = [...directions, "ingress", "telemetry", "oauth", "quarantine", "dead_letter"];
const subject = new RegExp(`["'\`]mio\\.(?!v\\d|edge\\.v\\d)|\\bmio\\\\?\\.(?:${kinds.join("|")})\\\\?\\.`);
/** The durable that bears its service's name is found in the service's own words. */
const serviceNames = ["media-vault"];
const durables = Object.values(streams)
  .flatMap((stream) => stream.durables.map(({ name }) => name))
  .filter((name) => !serviceNames.includes(name));
const durable = new RegExp(`["'\`](?:${durables.join("|")})["'\`]`);

describe("spelt once", () => {
  it("subjects, in shipped code", () => {
    expect(files.filter((file) => subject.test(codeOf(file)))).toEqual([subjectsFile]);
  });

  it("durables, in shipped code", () => {
    expect(durables.length).toBeGreaterThan(2);
    expect(files.filter((file) => durable.test(codeOf(file)))).toEqual([streamsFile]);
  });

  it("and this reader finds one that is planted", () => {
    const planted = ['"mio.inbound.>"', "'mio.receipt.' || channel_type", "`mio.oauth.", "/^mio\\.ingress\\./", '"mio.>"'];
    expect(planted.filter((text) => !subject.test(text))).toEqual([]);
    expect(["'sender-pool'", '"channel-pulse"'].filter((text) => !durable.test(text))).toEqual([]);
    expect(
      ['"mio.v1.Message"', '["mio.edge.v1.SealedValue", version]', '"media-vault"'].filter(
        (text) => subject.test(text) || durable.test(text),
      ),
    ).toEqual([]);
  });
});
