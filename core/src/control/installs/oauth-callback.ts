// What comes of a person's return from a consent page: the state is used up, the code exchanged, the account connected. Nothing is
// exchanged for a link that is not ours to use, and every way out is an answer for the page.
import { type OAuthAnswer, type OAuthCallback, OAuthAnswer_Outcome as Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { statePattern } from "@mio/shared/bus/wire/oauth.ts";
import type { Exchanged, InstallDoor } from "@mio/shared/channels/contract/install.ts";
import { DeliveryError, type SendFetch } from "@mio/shared/channels/contract/outbound.ts";
import type { Pool } from "pg";
import type { SecretStore } from "../../accounts/secret-store.ts";
import type { ConnectedApp, OAuthApps } from "../../process/oauth-apps.ts";
import { connectAccount } from "./connect-account.ts";
import { type ConnectingDoor, claimInstall, denyInstall, finishInstall, type Install, releaseInstall } from "./operation.ts";

export interface OAuthTools {
  db: Pool;
  secrets: SecretStore;
  doors: readonly ConnectingDoor[];
  apps: OAuthApps;
  /** One for each exchange, with a deadline. */
  fetch: () => SendFetch;
}

export type Answer = Partial<Pick<OAuthAnswer, "workspaceName" | "tenantName">> & {
  outcome: Outcome;
  /** For the log alone. */
  installId?: string;
  accountId?: string;
  reason?: string;
};

/** Rejects when the database fails. */
export async function answerCallback(tools: OAuthTools, callback: OAuthCallback): Promise<Answer> {
  const { channelType, state, code, error } = callback;
  const door = tools.doors.find((each) => each.channel.slug === channelType);
  const app = tools.apps.get(channelType);
  if (!door || !app) return { outcome: Outcome.NOT_OFFERED };
  if (!statePattern.test(state)) return { outcome: Outcome.UNKNOWN };
  if (error !== "" || code === "") return denied(await denyInstall(tools.db, channelType, state, error || "no_code"), error);
  // Before the link is used up: what could not be sealed afterwards would be lost with it.
  await tools.secrets.forWriting();
  const claim = await claimInstall(tools.db, channelType, state, code);
  switch (claim.kind) {
    case "unknown":
      return { outcome: Outcome.UNKNOWN };
    case "expired":
      return { outcome: Outcome.EXPIRED };
    case "used":
      return { outcome: Outcome.USED };
    case "repeat":
      return repeated(claim.install);
    case "claimed":
      return { installId: claim.install.id, ...(await connect(tools, door, app, claim.install, callback)) };
  }
}

async function connect(
  { db, secrets, fetch }: OAuthTools,
  door: Pick<InstallDoor, "exchange">,
  app: ConnectedApp,
  install: Install,
  { code, parameters }: OAuthCallback,
): Promise<Answer> {
  let workspace: Exchanged;
  try {
    workspace = await door.exchange(app, { code, redirectUri: install.redirect_uri, parameters }, fetch());
  } catch (cause) {
    // Also when the platform may have taken the code: then it says so next time.
    await releaseInstall(db, install.id);
    return { outcome: Outcome.UNAVAILABLE, reason: cause instanceof DeliveryError ? cause.code : "exchange_threw" };
  }
  if (workspace.kind === "rejected") {
    await finishInstall(db, install.id, { result: "rejected", reason: workspace.code });
    return { outcome: Outcome.REJECTED, reason: workspace.code };
  }
  const names = { workspaceName: workspace.displayName, tenantName: install.tenant_name };
  const connected = await connectAccount({ db, secrets }, install, app, workspace);
  if (connected.kind === "taken") return { outcome: Outcome.TAKEN, reason: connected.reason, ...names };
  return { outcome: Outcome.CONNECTED, accountId: connected.accountId, ...names };
}

/** A reload, or whoever opened the same address before the person did: a mail scanner, a preview. */
function repeated({ id, status, workspace_name: workspaceName, tenant_name: tenantName }: Install): Answer {
  const names = { installId: id, workspaceName, tenantName };
  switch (status) {
    case "connected":
      return { outcome: Outcome.CONNECTED, ...names };
    case "taken":
      return { outcome: Outcome.TAKEN, ...names };
    case "in_progress":
      return { outcome: Outcome.IN_PROGRESS, ...names };
    default:
      return { outcome: Outcome.REJECTED, installId: id, reason: status };
  }
}

/** Only a person denies; any other word is the platform's or our app's fault. */
function denied(what: Awaited<ReturnType<typeof denyInstall>>, error: string): Answer {
  switch (what) {
    case "denied":
      return error === "access_denied" ? { outcome: Outcome.DENIED } : { outcome: Outcome.REJECTED, reason: error };
    case "used":
      return { outcome: Outcome.USED };
    case "expired":
      return { outcome: Outcome.EXPIRED };
    case "unknown":
      return { outcome: Outcome.UNKNOWN };
  }
}
