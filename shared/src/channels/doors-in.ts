// Which doors an environment opens.

/** All in `local`; elsewhere not those whose secrets anybody may know (see `localOnly` in contract.ts). */
export function doorsIn<Door extends { localOnly?: true }>(environment: string, doors: readonly Door[]): Door[] {
  return doors.filter((door) => environment === "local" || !door.localOnly);
}
