import type { AccountId } from "../../ids.ts";
import { describeOutboundDoor } from "../conformance/outbound-conformance.ts";
import { zohoCliqOutbound } from "./outbound.ts";

describeOutboundDoor({
  door: zohoCliqOutbound,
  account: {
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    externalId: "Z1",
    settings: { api_base_url: "http://platform.example" },
    credential: "credential-that-nobody-may-see",
  },
  conversationExternalId: "CT_1_9",
  editTarget: { externalId: "1777804687057%20137" },
});
