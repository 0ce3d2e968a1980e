// Which doors an environment opens. The channel of the project's own tests verifies with a secret that everybody may know.

export const environments = ["local", "staging", "production"] as const;
export type Environment = (typeof environments)[number];

/** All in `local`; elsewhere not those whose secrets anybody may know (see `localOnly` in contract.ts). */
export function doorsIn<Door extends { localOnly?: true }>(environment: string, doors: readonly Door[]): Door[] {
  return doors.filter((door) => environment === "local" || !door.localOnly);
}
