// The sender with the channels that are built in. Nothing in core names one of them.
import { outboundDoors } from "@mio/shared/channels/outbound.ts";
import type { Service } from "../service.ts";
import { createSender } from "./sender.ts";

export const sender: Service = createSender(outboundDoors);
