// The admin service: the loop that carries accounts to the edge, and the answers to people who connect one. The operator API joins it later.
import { serveOAuth } from "../control/installs/oauth-service.ts";
import { keepDirectory } from "../directory/keep-directory.ts";
import type { Service, ServiceContext } from "../service.ts";

export const admin: Service = { name: "admin", run };

async function run(context: ServiceContext): Promise<void> {
  await Promise.all([keepDirectory(context), serveOAuth(context)]);
}
