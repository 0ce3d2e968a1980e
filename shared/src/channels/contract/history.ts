// The door by which gaps are filled from the platform's own history. No channel has it yet; it was tried on the pages of Slack (a cursor, the
// newest first, threads by themselves: docs.slack.dev/reference/methods/conversations.history), Discord (`after` an id, at most 100:
// discord.com/developers/docs/resources/message#get-channel-messages) and Feishu (a page_token, times as bounds: open.feishu.cn, im-v1 message list).
// Telegram and WhatsApp have no history, so they have no such door.
import type { InboundAccount, OutboundAccount } from "./account.ts";
import type { Channel } from "./channel.ts";
import type { InboundEvent } from "./inbound.ts";
import type { SendFetch } from "./outbound.ts";

export interface HistoryDoor {
  channel: Channel;
  /** Requests a minute for one account: history is rationed apart from sending. */
  pagesPerMinute(account: OutboundAccount): number;
  /** One page of a conversation, or of a thread in it. Throws DeliveryError and nothing else. */
  page(account: OutboundAccount, place: HistoryPlace, fetch: SendFetch): Promise<HistoryPage>;
}
/** `afterMs`: from there on; `cursor`: as the page before gave it. */
type HistoryPlace = { conversationExternalId: string; threadExternalId?: string; afterMs: number; cursor?: string };
/** `events`: in the platform's order, under the ids that a webhook would have given them. No `cursor`: that was all. */
type HistoryPage = { events(account: InboundAccount): InboundEvent[]; threads: string[]; cursor?: string };
