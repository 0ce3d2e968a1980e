// Tenants over RPC: from the request to an operation, and from what it gives to the answer. Nothing is decided here.
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { createTenant, listTenants, type Tenant } from "../../../../../../../../core/src/control/tenants/operation.ts";
import type { Methods } from "../rpc.ts";

export const tenantMethods: Methods<"createTenant" | "listTenants"> = {
  createTenant: async ({ slug, displayName }, { control }) => {
    const { tenant } = await createTenant(control, slug, displayName === "" ? undefined : displayName);
    return { tenant: messageOf(tenant) };
  },
  listTenants: async (_request, { control }) => ({ tenants: (await listTenants(control.db)).map(messageOf) }),
};

function messageOf({ id, slug, display_name, created_at, disabled_at }: Tenant) {
  return {
    id,
    slug,
    displayName: display_name,
    status: disabled_at === null ? "active" : "disabled",
    createdAt: timestampFromDate(created_at),
    ...(disabled_at === null ? {} : { disabledAt: timestampFromDate(disabled_at) }),
  };
}
