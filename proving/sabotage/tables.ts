// Every deliberate fault, by the promise that it breaks: a table a promise, its rows in the order in which a message walks. G9, G10 and G13
// belong to parts that are not built yet (attachments, the archive, erasure), so there is nothing to break for them.
import type { Fault } from "./fault.ts";
import { g1 } from "./g1.ts";
import { g2 } from "./g2.ts";
import { g3 } from "./g3.ts";
import { g4 } from "./g4.ts";
import { g5 } from "./g5.ts";
import { g6 } from "./g6.ts";
import { g7 } from "./g7.ts";
import { g8 } from "./g8.ts";
import { g11 } from "./g11.ts";
import { g12 } from "./g12.ts";

export const tables: Readonly<Record<string, readonly Fault[]>> = {
  G1: g1,
  G2: g2,
  G3: g3,
  G4: g4,
  G5: g5,
  G6: g6,
  G7: g7,
  G8: g8,
  G11: g11,
  G12: g12,
};

/** The table that breaks `guarantee`, as a path from the root; undefined when nothing does. */
export function tableFileOf(guarantee: string): string | undefined {
  return guarantee in tables ? `proving/sabotage/${guarantee.toLowerCase()}.ts` : undefined;
}
