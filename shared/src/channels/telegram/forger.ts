// Telegram as an attacker meets it: it signs nothing, and shows a secret that both sides know.
import type { Forger } from "../conformance/forger.ts";
import { forgedAccount } from "../conformance/forging.ts";

const header = "X-Telegram-Bot-Api-Secret-Token";

export const telegramForger: Forger = {
  channelType: "telegram",
  paths: ["/webhooks/telegram"],
  accounts: [
    forgedAccount("telegram", "999", "telegram-secret-token", "hostile_telegram_secret_1"),
    forgedAccount("telegram", "998", "telegram-secret-token", "hostile_telegram_secret_2"),
  ],
  ours: { conversationExternalId: "-1001234567890", messageExternalId: "42" },
  proofHeaders: [header.toLowerCase()],
  signed: ({ secret }) => [[header, secret]],
  proves: ({ secret }, headers) => headers.get(header) === secret,
};
