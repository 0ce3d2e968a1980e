// The sender with the channels that are built in and that its environment opens. Nothing in core names one of them.
import { doorsIn } from "@mio/shared/channels/doors/doors-in.ts";
import { outboundDoors } from "@mio/shared/channels/doors/outbound.ts";
import type { Service } from "../service.ts";
import { createSender } from "./sender.ts";

export const sender: Service = {
  name: "sender",
  run: (context) => createSender(doorsIn(context.config.environment, outboundDoors)).run(context),
};
