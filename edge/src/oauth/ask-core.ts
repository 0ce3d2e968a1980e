// One request to core over the bus, with one answer. "Away" is certain: nobody heard it. After "silent" it may still be carried out.
import { failureOf } from "@mio/shared/bus/client/bus-client.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";

export type Asked = { kind: "answered"; body: Uint8Array<ArrayBuffer> } | { kind: "away" } | { kind: "silent" };

/** Resolves after `timeoutMs` at the latest. Never rejects. */
export async function askCore(
  bus: Bus | undefined,
  subject: string,
  body: Uint8Array<ArrayBuffer>,
  timeoutMs: number,
): Promise<Asked> {
  if (!bus) return { kind: "away" };
  try {
    const answer = await bus.connection.request(subject, body, { timeout: timeoutMs });
    return { kind: "answered", body: Uint8Array.from(answer.data) };
  } catch (error) {
    return { kind: failureOf(error) === "nobody_listens" ? "away" : "silent" };
  }
}
