// Ids that the ledger had already: our own redelivery, the same command again, other content, or an id that somebody else has taken. Pure.
import type { IntakeRow, Known } from "../ledger/intake.ts";

interface KnownRows {
  /** The same command with other content: the first content is kept. */
  differing: readonly IntakeRow[];
  /** Another one's: each still wants its one final receipt, under another id. */
  taken: readonly IntakeRow[];
}

/** `refused`: rows that the ledger did not take, read under `streamEpoch`; `known`: what stands there under their ids. */
export function sortKnown(refused: readonly IntakeRow[], known: ReadonlyMap<string, Known>, streamEpoch: number): KnownRows {
  const meaning = (row: IntakeRow) => meaningOf(row, known.get(row.id), streamEpoch);
  return {
    differing: refused.filter((row) => meaning(row) === "differing"),
    taken: refused.filter((row) => meaning(row) === "taken"),
  };
}

function meaningOf(row: IntakeRow, known: Known | undefined, streamEpoch: number): "same" | "differing" | "taken" {
  if (known === undefined || (known.streamEpoch === streamEpoch && known.streamSequence === row.streamSequence)) return "same";
  const sameContent = Buffer.compare(row.contentSha256, known.contentSha256) === 0;
  if (sameContent && row.accountId === known.accountId) return "same";
  return row.kind === "command" && row.accountId === known.accountId ? "differing" : "taken";
}
