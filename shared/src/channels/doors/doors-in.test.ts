import { expect, it } from "vitest";
import type { Channel } from "../contract/channel.ts";
import { doorsIn } from "./doors-in.ts";
import { inboundDoors } from "./inbound.ts";
import { installDoors } from "./install.ts";
import { outboundDoors } from "./outbound.ts";

const testChannel = "test";

it.each<[string, readonly { channel: Channel }[]]>([
  ["inbound", inboundDoors],
  ["outbound", outboundDoors],
  ["install", installDoors],
])("G11: opens the %s door that everybody has the key of in the local environment only", (_name, doors) => {
  const open = (environment: string) => doorsIn(environment, doors).map((door) => door.channel.slug);
  expect(open("local")).toEqual(doors.map((door) => door.channel.slug));
  for (const environment of ["staging", "production", ""]) {
    expect(open(environment)).toEqual(open("local").filter((each) => each !== testChannel));
  }
});
