// The channels that the sender can send to. Adding one here is the only core-side step of adding a channel.
import type { OutboundDoor } from "../contract/outbound.ts";
import { slackOutbound } from "../slack/outbound.ts";
import { telegramOutbound } from "../telegram/outbound.ts";
import { testOutbound } from "../test/outbound.ts";
import { zohoCliqOutbound } from "../zoho-cliq/outbound.ts";

export const outboundDoors: readonly OutboundDoor[] = [zohoCliqOutbound, slackOutbound, telegramOutbound, testOutbound];
