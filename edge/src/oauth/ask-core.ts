// One request to core over the bus, with one answer. "Away" is certain: nobody heard it. After "silent" it may still be carried out.
import type { Bus } from "@mio/shared/bus/client/connection.ts";

export type Asked = { kind: "answered"; body: Uint8Array<ArrayBuffer> } | { kind: "away" } | { kind: "silent" };

/** The client's code for "nobody listens to this subject". */
const noResponders = "503";

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
    const isAway = error instanceof Error && "code" in error && error.code === noResponders;
    return { kind: isAway ? "away" : "silent" };
  }
}
