// The loop guard: what we did ourselves never comes in again, and what other bots say only when the account asks for it.
import type { InboundAccount } from "../../contract/account.ts";
import type { Normalised } from "../../contract/inbound.ts";
import type { SlackMessage } from "./payload.ts";

/** Setting of an account: "true" lets other bots' messages in. */
const acceptBotsSetting = "accept_bots";

export function isOwnUser(user: string | null | undefined, account: InboundAccount): boolean {
  return same(user, account.settings.bot_user_id);
}

/** Why a message by this author goes no further; undefined when it does. */
export function authorGuard(author: Partial<SlackMessage>, account: InboundAccount): Normalised | undefined {
  const { bot_id: ownBot, app_id: ownApp } = account.settings;
  if (isOwnUser(author.user, account) || same(author.bot_id, ownBot) || same(author.app_id, ownApp)) {
    return { kind: "ignored", reason: "own_message" };
  }
  const isBot = Boolean(author.bot_id) || author.subtype === "bot_message";
  if (isBot && account.settings[acceptBotsSetting] !== "true") return { kind: "ignored", reason: "bot_message" };
  if (!author.user && !author.bot_id) return { kind: "malformed", reason: "no_author" };
  return undefined;
}

/** A setting that is missing or empty is nobody's id. */
function same(id: string | null | undefined, own: string | undefined): boolean {
  return id !== null && id !== undefined && id !== "" && id === own;
}
