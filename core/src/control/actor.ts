// Who asks for a change. Roles come with the operator API; until then the kind says by which door.
import { userInfo } from "node:os";

export interface Actor {
  /** cli: a person at a terminal, by the name that the system knows. oauth: a person with an install's link. start: `npm start`. */
  kind: "cli" | "oauth" | "start";
  id: string;
}

/** The name of who runs this process; `uid:<number>` where the system has none for it, as in a container under a number of its own. */
export function systemUser(nameOf: () => string = () => userInfo().username, uid = process.getuid?.()): string {
  try {
    return nameOf();
  } catch {
    return `uid:${uid ?? "unknown"}`;
  }
}
