// What a platform says later of a message that it took: a part of reading a webhook, for batches hold messages and statuses side by side. No channel
// has it yet; it was tried on WhatsApp's page, whose statuses are the receipts: developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components.
import type { InboundAccount } from "./account.ts";
import type { WebhookReading } from "./inbound.ts";

export interface ReadingWithStatuses extends WebhookReading {
  /** In any order, and perhaps before the call that sent the message has returned. */
  statuses(account: InboundAccount): DeliveryStatus[];
}
interface DeliveryStatus {
  /** The platform's id of the message, as `deliver` gave it. */
  externalId: string;
  /** What `deliver` wrote into the call to find it again, where the platform gives it back. */
  correlation: string;
  state: "sent" | "delivered" | "read" | "failed";
  /** Of a failure, as DeliveryError has it. */
  code: string;
  atMs: number;
}
