import { describeInboundDoor } from "../conformance/inbound.ts";
import { describeOutboundDoor } from "../conformance/outbound.ts";
import { telegramForger } from "./forger.ts";
import { telegramInbound } from "./inbound.ts";
import { telegramOutbound } from "./outbound.ts";

describeInboundDoor(telegramInbound, telegramForger);
describeOutboundDoor(telegramOutbound, telegramForger);
