// Installs in Postgres: a link that an operator gives out, and what came of it. A state is used up by one atomic update, for one code; the
// same code again, while the link lives, is the same person reloading the page and hears the same.
import { createHash } from "node:crypto";
import type { Channel } from "@mio/shared/channels/contract/channel.ts";
import type { InstallDoor } from "@mio/shared/channels/contract/install.ts";
import { uuidV5 } from "@mio/shared/ids.ts";
import type { Random } from "@mio/shared/random.ts";
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import { secretEnds, tenantNames } from "../../accounts/for-installs.ts";
import type { OAuthApps } from "../../process/oauth-apps.ts";
import { AdminError } from "../admin-error.ts";
import { type Control, changing } from "../control.ts";
import { getTenant } from "../tenants/operation.ts";

const installRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  redirect_uri: v.string(),
  created_at: v.date(),
  expires_at: v.date(),
  used_at: v.nullable(v.date()),
  /** As `result`, and before there is one: waiting, expired, in_progress or interrupted. */
  status: v.picklist(["waiting", "expired", "in_progress", "interrupted", "connected", "denied", "rejected", "taken"]),
  reason: v.string(),
  workspace_name: v.string(),
  account_id: v.nullable(v.string()),
});
type InstallRow = v.InferOutput<typeof installRow>;

export interface Install extends InstallRow {
  tenant_name: string;
  /** The account has something that verifies webhooks; without it none is accepted. */
  receives: boolean;
  /** When its credential ends by itself; null: never, or there is none. */
  credential_ends_at: Date | null;
}

/** From the link to the end of the consent; the platforms' own codes live as long. */
export const installMinutes = 10;
/** An exchange takes seconds; one that has no result by then was cut off with its process. */
const interruptedAfterSeconds = 30;

const select = `select id, tenant_id, channel_type, redirect_uri, created_at, expires_at, used_at, reason, workspace_name, account_id,
  case when result is not null and (result <> 'denied' or expires_at > now()) then result
       when used_at is null then case when expires_at > now() then 'waiting' else 'expired' end
       when used_at > now() - interval '${interruptedAfterSeconds} seconds' then 'in_progress'
       else 'interrupted' end as status
  from installs`;

export interface StartedInstall {
  install_id: string;
  /** Holds the state, which is stored nowhere. */
  oauth_url: string;
  redirect_uri: string;
  expires_at: Date;
}

/** Of the channel only its name. */
export type ConnectingDoor = Omit<InstallDoor, "channel"> & { channel: Pick<Channel, "slug"> };

interface StartTools extends Pick<Control, "db" | "actor"> {
  doors: readonly ConnectingDoor[];
  apps: OAuthApps;
  random: Random;
}

/** `edgeUrl`: the edge as people reach it. Throws AdminError when the tenant, the channel's OAuth or our app there is missing. */
export async function startInstall(
  { db, actor, doors, apps, random }: StartTools,
  wanted: { tenant: string; channelType: string; edgeUrl: string },
): Promise<StartedInstall> {
  const tenant = await getTenant(db, wanted.tenant);
  const { channelType } = wanted;
  const door = doors.find(({ channel }) => channel.slug === channelType);
  const app = apps.get(channelType);
  if (!door) {
    const able = doors.map(({ channel }) => channel.slug);
    throw new AdminError(
      "invalid",
      `the channel ${JSON.stringify(channelType)} connects no workspaces by OAuth; these do: ${able.join(", ")}`,
    );
  }
  if (!app) throw new AdminError("invalid", `MIO_OAUTH_APPS has no app for ${channelType}; core needs the same setting`);
  const state = Buffer.from(random.bytes(32)).toString("base64url");
  const redirectUri = `${wanted.edgeUrl.replace(/\/+$/, "")}/oauth/${channelType.replaceAll("_", "-")}/callback`;
  const id = uuidV5(tenant.id, `install:${hashOf(state).toString("hex")}`);
  const row = await changing({ db, actor }, async (client, note) => {
    const inserted = await client.query<{ id: string; expires_at: Date }>(
      `insert into installs (id, tenant_id, channel_type, state_hash, redirect_uri, expires_at)
       values ($1, $2, $3, $4, $5, now() + interval '${installMinutes} minutes') returning id, expires_at`,
      [id, tenant.id, channelType, hashOf(state), redirectUri],
    );
    note({ noun: "install", verb: "start", tenantId: tenant.id, subjectId: id });
    return inserted.rows[0];
  });
  if (!row) throw new Error("the install was not written");
  const oauthUrl = door.authorizeUrl(app, state, redirectUri);
  return { install_id: row.id, oauth_url: oauthUrl, redirect_uri: redirectUri, expires_at: row.expires_at };
}

/** Newest first. Throws AdminError when there is no such tenant. */
export async function listInstalls(db: Pool, tenantSlug: string | undefined, limit: number): Promise<Install[]> {
  const tenant = tenantSlug === undefined ? undefined : await getTenant(db, tenantSlug);
  const query = `${select} where $1::uuid is null or tenant_id = $1 order by created_at desc, id limit $2`;
  return described(db, v.parse(v.array(installRow), (await db.query(query, [tenant?.id ?? null, limit])).rows));
}

/** Throws AdminError when there is none. */
export async function getInstall(db: Pool, id: string): Promise<Install> {
  const found = await db.query(`${select} where id::text = $1`, [id]);
  const [install] = await described(db, v.parse(v.array(installRow), found.rows));
  if (!install) throw new AdminError("not_found", `there is no install ${JSON.stringify(id)}; "mio install list" shows them`);
  return install;
}

/** With what its tenant and its account are now. */
async function described(db: Pool, installs: readonly InstallRow[]): Promise<Install[]> {
  const [names, ends] = await Promise.all([
    tenantNames(
      db,
      installs.map((each) => each.tenant_id),
    ),
    secretEnds(
      db,
      installs.flatMap((each) => each.account_id ?? []),
    ),
  ]);
  return installs.map((each) => {
    const { receives = false, credential_ends_at = null } = ends.get(each.account_id ?? "") ?? {};
    return { ...each, tenant_name: names.get(each.tenant_id) ?? "", receives, credential_ends_at };
  });
}

/** `claimed`: this call, and no other, may exchange the code. */
export type Claim =
  | { kind: "claimed"; install: Install }
  | { kind: "repeat"; install: Install }
  | { kind: "used" | "expired" | "unknown" };

/** Uses the state up for this code, in one update. */
export async function claimInstall(db: Pool, channelType: string, state: string, code: string): Promise<Claim> {
  const values = [hashOf(state), channelType, hashOf(code)];
  const claimed = await db.query(
    `update installs set used_at = now(), code_hash = $3, result = null, reason = '', finished_at = null
     where state_hash = $1 and channel_type = $2 and used_at is null and expires_at > now()`,
    values,
  );
  const found = await db.query<{ same_code: boolean; alive: boolean }>(
    `${select.replace("select ", "select code_hash = $3 as same_code, expires_at > now() as alive, ")}
     where state_hash = $1 and channel_type = $2`,
    values,
  );
  const [row] = found.rows;
  if (!row) return { kind: "unknown" };
  const [install] = await described(db, [v.parse(installRow, row)]);
  if (!install) throw new Error("one row describes one install");
  if (claimed.rowCount === 1) return { kind: "claimed", install };
  if (install.used_at === null) return { kind: "expired" };
  return row.same_code && row.alive ? { kind: "repeat", install } : { kind: "used" };
}

/** The platform could not be asked, or did not answer: the link may be opened again. */
export async function releaseInstall(db: Pool, id: string): Promise<void> {
  await db.query("update installs set used_at = null, code_hash = null where id = $1 and result is null", [id]);
}

/** What came of a claimed install. Throws when something came of it before. */
export async function finishInstall(
  db: Pool | PoolClient,
  id: string,
  {
    result,
    ...rest
  }: { result: "connected" | "rejected" | "taken"; reason?: string; workspaceName?: string; accountId?: string },
): Promise<void> {
  const finished = await db.query(
    `update installs set result = $2, reason = $3, workspace_name = $4, account_id = $5, finished_at = now()
     where id = $1 and used_at is not null and result is null`,
    [id, result, rest.reason ?? "", rest.workspaceName ?? "", rest.accountId ?? null],
  );
  if (finished.rowCount !== 1) throw new Error(`install ${id} was finished by somebody else`);
}

/** The person did not agree, or the platform would not ask. The link stays as it is: who changes her mind opens it again. */
export async function denyInstall(
  db: Pool,
  channelType: string,
  state: string,
  reason: string,
): Promise<"denied" | "used" | "expired" | "unknown"> {
  const values = [hashOf(state), channelType];
  const denied = await db.query(
    `update installs set result = 'denied', reason = $3, finished_at = now()
     where state_hash = $1 and channel_type = $2 and used_at is null and expires_at > now()`,
    [...values, reason],
  );
  if (denied.rowCount === 1) return "denied";
  const found = await db.query<{ used: boolean }>(
    "select used_at is not null as used from installs where state_hash = $1 and channel_type = $2",
    values,
  );
  const [row] = found.rows;
  if (!row) return "unknown";
  return row.used ? "used" : "expired";
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
