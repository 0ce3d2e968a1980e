import { expect, it } from "vitest";
import { doorsIn } from "./doors-in.ts";
import { inboundDoors } from "./inbound.ts";
import { outboundDoors } from "./outbound.ts";

const testChannel = "test";

it.each<[string, readonly { channelType: string; localOnly?: true }[]]>([
  ["inbound", inboundDoors],
  ["outbound", outboundDoors],
])("G11: opens the %s door that everybody has the key of in the local environment only", (_name, doors) => {
  const open = (environment: string) => doorsIn(environment, doors).map((door) => door.channelType);
  expect(open("local")).toEqual(doors.map((door) => door.channelType));
  for (const environment of ["staging", "production", ""]) {
    expect(open(environment)).toEqual(open("local").filter((each) => each !== testChannel));
  }
});
