// The admin service: the loop that carries accounts to the edge, the answers to people who connect one, and the audit's head. The operator API joins it later.
import { serviceSecrets } from "../accounts/service-secrets.ts";
import { watchAuditHead } from "../control/audit/watch-head.ts";
import { serveOAuth } from "../control/installs/oauth-service.ts";
import { keepDirectory } from "../directory/keep-directory.ts";
import type { Service, ServiceContext } from "../service.ts";

export const admin: Service = { name: "admin", run };

async function run(context: ServiceContext): Promise<void> {
  const secrets = await serviceSecrets(context);
  await Promise.all([keepDirectory(context, secrets.ring), serveOAuth(context, secrets), watchAuditHead(context)]);
}
