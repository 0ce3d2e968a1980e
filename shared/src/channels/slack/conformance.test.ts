import { describeInboundDoor } from "../conformance/inbound.ts";
import { describeOutboundDoor } from "../conformance/outbound.ts";
import { slackForger } from "./forger.ts";
import { slackInbound } from "./inbound.ts";
import { slackOutbound } from "./outbound.ts";

describeInboundDoor(slackInbound, slackForger);
describeOutboundDoor(slackOutbound, slackForger);
