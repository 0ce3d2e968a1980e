// Attachments by the URL that webhooks carry: only with a token, and only while the URL lives.
import type { ApiAnswer } from "../../simulator/api-call.ts";
import type { CliqCall } from "./call.ts";
import { CliqRefusal } from "./requests.ts";

/** The true lifetime is not published. */
const urlLifeMs = 3_600_000;

export function downloadFile(call: CliqCall): ApiAnswer {
  const [organizationId, fileId] = call.parameters;
  const chats = organizationId === call.app.account.externalId ? call.kit.world.conversations(call.app.id) : [];
  for (const chat of chats) {
    for (const message of chat.messages.values()) {
      if (!message.file || message.file.id !== fileId || message.deleted) continue;
      if (call.kit.host.clock.nowMs() - message.createdAtMs > urlLifeMs) {
        throw new CliqRefusal(400, "attachment_access_time_expired", "The access time of the attachment has expired.");
      }
      return { response: new Response(message.file.text, { headers: { "Content-Type": message.file.mime } }) };
    }
  }
  throw new CliqRefusal(404, "request_url_invalid", "The request URL is invalid.");
}
