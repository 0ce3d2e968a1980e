// The simulated platform's ids, computed from the names that the control API uses and shaped as Telegram's: people are
// positive, a private chat has its person's id, supergroups begin with -100, older groups are only negative.
import { numberOfName } from "../../simulator/names.ts";

/** `@ann` is the private chat with ann; digits are taken as an id; any other name is a supergroup. */
export function chatOfName(name: string): { id: string; kind: ChatKind } {
  if (name.startsWith("@")) return { id: userIdOfName(name.slice(1)), kind: "private" };
  if (/^\d{1,16}$/.test(name)) return { id: name, kind: "private" };
  if (/^-100\d{10,13}$/.test(name)) return { id: name, kind: "supergroup" };
  if (/^-\d{1,16}$/.test(name)) return { id: name, kind: "group" };
  return { id: `-100${1_000_000_000 + numberOfName(`chat:${name}`, 9_000_000_000)}`, kind: "supergroup" };
}

export type ChatKind = "private" | "group" | "supergroup";

export function userIdOfName(name: string): string {
  return /^\d{1,16}$/.test(name) ? name : String(100_000_000 + numberOfName(`user:${name}`, 7_000_000_000));
}

export function botIdOfName(name: string): string {
  return String(7_000_000_000 + numberOfName(`bot:${name}`, 900_000_000));
}

/** A file_id says where its file is, as long as nobody but the simulator reads it. */
export function fileIdOf(chatId: string, messageId: string): string {
  return `BQACAgQAAx_${chatId}_${messageId}`;
}

export function messageOfFileId(fileId: string): { chatId: string; messageId: string } | undefined {
  const match = /^BQACAgQAAx_(-?\d+)_(\d+)$/.exec(fileId);
  return match?.[1] !== undefined && match[2] !== undefined ? { chatId: match[1], messageId: match[2] } : undefined;
}
