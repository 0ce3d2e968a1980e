import { describeInboundDoor } from "../conformance/inbound.ts";
import { describeOutboundDoor } from "../conformance/outbound.ts";
import { testForger } from "./forger.ts";
import { testInbound } from "./inbound.ts";
import { testOutbound } from "./outbound.ts";

describeInboundDoor(testInbound, testForger);
describeOutboundDoor(testOutbound, testForger);
