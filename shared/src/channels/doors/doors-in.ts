// Which doors an environment opens. The channel of the project's own tests verifies with a secret that everybody may know.
import type { Channel } from "../contract/channel.ts";

export const environments = ["local", "staging", "production"] as const;
export type Environment = (typeof environments)[number];

/** All in `local`; elsewhere not those whose secrets anybody may know (a channel's `localOnly`). */
export function doorsIn<Door extends { channel: Pick<Channel, "localOnly"> }>(
  environment: string,
  doors: readonly Door[],
): Door[] {
  return doors.filter((door) => environment === "local" || !door.channel.localOnly);
}
