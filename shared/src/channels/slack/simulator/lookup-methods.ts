// Who and where: the app itself, people and places.

import type { Call, Result } from "./call.ts";
import { channelOf, directConversation } from "./channels.ts";

export function authTest({ app, kit }: Call): Result {
  const { bot_user_id, bot_id, app_id } = app.account.settings;
  const team_id = app.account.externalId;
  return ok({
    url: `${kit.host.baseUrl}/`,
    team: app.name,
    user: app.name,
    team_id,
    user_id: bot_user_id,
    bot_id,
    app_id,
    is_enterprise_install: false,
  });
}

export function conversationsOpen(call: Call): Result {
  const { users = "", channel = "" } = call.args;
  if (users === "" && channel === "") return refused("users_list_not_supplied");
  if (users.includes(",")) return refused("not_enough_users");
  const conversation = users === "" ? channelOf(call, channel) : directConversation(call.kit, call.app, users);
  if (!conversation) return refused(users === "" ? "channel_not_found" : "user_not_found");
  return ok({ channel: { id: conversation.id } });
}

export function conversationsInfo(call: Call): Result {
  const conversation = channelOf(call, call.args.channel ?? "");
  if (!conversation) return refused("channel_not_found");
  const { id, name, kind } = conversation;
  const is_im = kind === "im";
  return ok({
    channel: {
      id,
      ...(is_im ? {} : { name }),
      is_channel: kind === "channel",
      is_group: kind === "group",
      is_im,
      is_private: kind !== "channel",
      is_member: true,
      is_archived: false,
      context_team_id: call.app.account.externalId,
    },
  });
}

export function usersInfo({ app, kit, args }: Call): Result {
  const id = args.user ?? "";
  const is_bot = id === app.account.settings.bot_user_id;
  const name = is_bot ? app.name : kit.world.person(app.id, id)?.name;
  if (name === undefined) return refused("user_not_found");
  const profile = { real_name: name, display_name: name };
  return ok({ user: { id, team_id: app.account.externalId, name, real_name: name, deleted: false, is_bot, profile } });
}

function ok(body: Record<string, unknown>): Result {
  return { kind: "ok", body };
}

function refused(error: string): Result {
  return { kind: "refused", error };
}
