// The channels whose webhooks the edge understands. Adding one here is the only edge-side step of adding a channel.
import type { InboundDoor } from "../contract/inbound.ts";
import { slackInbound } from "../slack/inbound.ts";
import { telegramInbound } from "../telegram/inbound.ts";
import { testInbound } from "../test/inbound.ts";
import { zohoCliqInbound } from "../zoho-cliq/inbound.ts";

export const inboundDoors: readonly InboundDoor[] = [zohoCliqInbound, slackInbound, telegramInbound, testInbound];
