// Who asks for a change. Roles come with the operator API; until then the kind says by which door.

export interface Actor {
  /** cli: a person at a terminal, by the name that the system knows. oauth: a person with an install's link. start: `npm start`. */
  kind: "cli" | "oauth" | "start";
  id: string;
}
