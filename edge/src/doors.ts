// Which doors an environment opens. The channel of the project's own tests verifies with a secret that everybody may know.
import type { InboundDoor } from "@mio/shared/channels/contract.ts";
import { doorsIn as openDoors } from "@mio/shared/channels/doors-in.ts";

export const environments = ["local", "staging", "production"] as const;
export type Environment = (typeof environments)[number];

export function doorsIn(environment: Environment, doors: readonly InboundDoor[]): InboundDoor[] {
  return openDoors(environment, doors);
}
