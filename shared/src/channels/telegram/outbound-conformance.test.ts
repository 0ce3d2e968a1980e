import type { AccountId } from "../../ids.ts";
import { describeOutboundDoor } from "../conformance/outbound-conformance.ts";
import { telegramOutbound } from "./outbound.ts";

describeOutboundDoor({
  door: telegramOutbound,
  account: {
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    externalId: "999",
    settings: { api_base_url: "http://platform.example" },
    credential: "credential-that-nobody-may-see",
  },
  conversationExternalId: "-1001234567890",
  editTarget: { externalId: "42" },
});
