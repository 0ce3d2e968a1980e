// Ids as Cliq writes them, made of names that a person would use. Inside the simulator a message id is `<epoch ms>_<number>`, as
// history prints it; webhooks and answers print the same pair with "%20".
import { numberOfName } from "../../simulator/names.ts";

export type ChatKind = "channel" | "bot" | "thread";

export function organizationIdOf(appName: string): string {
  return String(600_000_000 + numberOfName(`organization ${appName}`, 99_999_999));
}

/** `general` is a channel, `dm:ann` or `@ann` somebody's chat with the bot; an id is taken as it is. */
export function chatOf(organizationId: string, name: string): { id: string; kind: ChatKind } {
  if (name.startsWith("CT_")) return { id: name, kind: /-B\d$/.test(name) ? "bot" : name.includes("-T-") ? "thread" : "channel" };
  const kind = /^(dm:|@)/.test(name) ? "bot" : "channel";
  const digits = String(numberOfName(`chat ${organizationId} ${name.replace(/^@/, "dm:")}`, 1e15)).padStart(18, "0");
  return { id: `CT_1${digits}_${organizationId}${kind === "bot" ? "-B2" : ""}`, kind };
}

export function threadChatId(parentChatId: string, messageId: string): string {
  return `${parentChatId}-T-${messageId.split("_")[1] ?? messageId}`;
}

export function userIdOf(organizationId: string, name: string): string {
  return /^\d{6,}$/.test(name) ? name : String(100_000_000 + numberOfName(`user ${organizationId} ${name}`, 899_999_999));
}

/** As webhooks and the answers of sends print it. */
export function printedMessageId(id: string): string {
  return id.replace("_", "%20");
}

/** Any spelling, decoded or not, as the simulator keeps it. */
export function keptMessageId(id: string): string {
  return id.replace(/^(\d+)(?:%20| )(\d+)$/, "$1_$2");
}
