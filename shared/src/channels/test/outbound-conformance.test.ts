import type { AccountId } from "../../ids.ts";
import { describeOutboundDoor } from "../conformance/outbound-conformance.ts";
import { testOutbound } from "./outbound.ts";

describeOutboundDoor({
  door: testOutbound,
  account: {
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    externalId: "W1",
    settings: { api_base_url: "http://platform.example" },
    credential: "credential-that-nobody-may-see",
  },
  conversationExternalId: "general",
  editTarget: { externalId: "m1" },
});
