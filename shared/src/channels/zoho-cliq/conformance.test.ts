import { describeInboundDoor } from "../conformance/inbound.ts";
import { describeOutboundDoor } from "../conformance/outbound.ts";
import { zohoCliqForger } from "./forger.ts";
import { zohoCliqInbound } from "./inbound.ts";
import { zohoCliqOutbound } from "./outbound.ts";

describeInboundDoor(zohoCliqInbound, zohoCliqForger);
describeOutboundDoor(zohoCliqOutbound, zohoCliqForger);
