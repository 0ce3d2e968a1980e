import type { AccountId } from "../../ids.ts";
import { describeOutboundDoor } from "../conformance/outbound-conformance.ts";
import { slackOutbound } from "./outbound.ts";

describeOutboundDoor({
  door: slackOutbound,
  account: {
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    externalId: "T1",
    settings: { api_base_url: "http://platform.example" },
    credential: "credential-that-nobody-may-see",
  },
  conversationExternalId: "C1",
  editTarget: { externalId: "1700000000.000100" },
});
