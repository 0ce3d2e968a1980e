// What it means that the ledger has an id already, as a table.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { IntakeRow, Known } from "../ledger/intake.ts";
import { deadInPlaceOf, intakeRowOf } from "./intake-row.ts";
import { sortKnown } from "./known-ids.ts";

const hashOf = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());
const streamEpoch = 2;

/** Read as message 7 of the second stream of that name. */
function rowOf(kind: IntakeRow["kind"], accountId = "mine"): IntakeRow {
  const incoming = { subject: `mio.outbound.alpha.${accountId}.c`, data: new Uint8Array(), streamSequence: 7, messageId: "id" };
  const dead = intakeRowOf({ ...incoming, data: new Uint8Array([255]), traceparent: "" }, streamEpoch);
  return { ...dead, kind, contentSha256: hashOf("text") };
}

describe("an id that the ledger had already", () => {
  const there: Known = { accountId: "mine", streamEpoch: 1, streamSequence: 3, contentSha256: hashOf("text") };
  const cases: [string, IntakeRow, Partial<Known> | undefined, "same" | "differing" | "taken"][] = [
    ["and has no longer", rowOf("command"), undefined, "same"],
    [
      "is our own redelivery, whatever it says",
      rowOf("command"),
      { streamEpoch, streamSequence: 7, accountId: "theirs", contentSha256: hashOf("other") },
      "same",
    ],
    ["is the same command again", rowOf("command"), {}, "same"],
    ["is the same dead one again", rowOf("dead"), {}, "same"],
    ["has come with other content", rowOf("command"), { contentSha256: hashOf("other") }, "differing"],
    [
      "with the same sequence of another stream",
      rowOf("command"),
      { streamSequence: 7, contentSha256: hashOf("other") },
      "differing",
    ],
    ["is another account's", rowOf("command"), { accountId: "theirs" }, "taken"],
    [
      "is another account's, with other content",
      rowOf("command"),
      { accountId: "theirs", contentSha256: hashOf("other") },
      "taken",
    ],
    ["is a command's, and what came is dead", rowOf("dead"), { contentSha256: hashOf("other") }, "taken"],
  ];
  it.each(cases)("G5: %s", (_, row, known, meaning) => {
    const ledger = new Map(known ? [[row.id, { ...there, ...known }]] : []);
    expect(sortKnown([row], ledger, streamEpoch)).toEqual({
      differing: meaning === "differing" ? [row] : [],
      taken: meaning === "taken" ? [row] : [],
    });
  });
});

it("G5: a message whose id serves no more stands under its place, and keeps its subject's scopes", () => {
  const row = rowOf("command");
  const dead = deadInPlaceOf(row, streamEpoch, "id_taken", "another account has it");
  expect(dead).toMatchObject({
    kind: "dead",
    id: "seq-2-7",
    channelType: "alpha",
    accountId: "mine",
    conversationId: "c",
    errorCode: "id_taken",
    receiptSubject: "mio.receipt.alpha.mine.c",
    deadLetterOf: "mio.outbound.alpha.mine.c",
  });
  expect(deadInPlaceOf(dead, 1, dead.errorCode, dead.errorText).id).toBe("seq-7");
});
