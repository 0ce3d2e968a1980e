// Who calls, and what the role lets them do: asked before an operation begins, by the method's name, from one table.
import type { AdminService } from "@mio/proto/gen/mio/admin/v1/admin_pb.ts";
import type { Actor } from "../../../../../../../core/src/control/actor.ts";

export type Role = "viewer" | "operator" | "owner";

export interface Caller {
  actor: Actor;
  role: Role;
  /** Left out: all tenants. */
  tenantIds?: readonly string[];
}

/** The least role that each method asks for. A method that is missing does not compile. */
export type RoleTable = Readonly<Record<keyof (typeof AdminService)["method"], Role>>;

/** Undefined: nobody is known by it. Compares in constant time. */
export type Authenticate = (bearer: string) => Promise<Caller | undefined>;
