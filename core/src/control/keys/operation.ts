// The ring that seals accounts' secrets: everything sealed again with its first key, so that the others can be taken away.
import { firstBatch, resealBatch } from "../../accounts/reseal.ts";
import { sealPlainSecrets } from "../../accounts/seal-plain.ts";
import { resealPepper } from "../../accounts/secret-store.ts";
import { type Control, changing } from "../control.ts";

export interface RotatedKeys {
  /** What seals now. */
  key: string;
  /** How many secrets were sealed again; the same again is none. */
  resealed: number;
  /** What does not open, and stays as it is. */
  refused: { accountId: string; keyName: string }[];
}

const batchRows = 500;

/** Idempotent; may be repeated after a break. `report` hears how many are done after each batch. */
export async function rotateKeys(control: Control, report: (resealed: number) => void = () => undefined): Promise<RotatedKeys> {
  const { ring } = control.secrets;
  await sealPlainSecrets(control.db, control.secrets);
  const rotated: RotatedKeys = { key: ring.sealsWith, resealed: 0, refused: [] };
  for (let next: string | undefined = firstBatch; next !== undefined; ) {
    const after: string = next;
    const batch = await changing(control, async (client, note) => {
      const pepper = after === firstBatch && (await resealPepper(client, ring));
      const done = await resealBatch(client, ring, after, batchRows);
      if (pepper || done.resealed > 0) note({ noun: "keys", verb: "rotate", subjectId: ring.sealsWith });
      return done;
    });
    rotated.resealed += batch.resealed;
    rotated.refused.push(...batch.refused);
    next = batch.next;
    report(rotated.resealed);
  }
  return rotated;
}
