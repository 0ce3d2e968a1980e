// `npm run proto`: lint, refuse what breaks others, generate gen/, and only then move the golden descriptors on.
// What must stay true: golden/descriptors.binpb never loses anything, because it is written only after it was compared.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { mustBuf, protoDir } from "./buf.ts";

export const goldenDescriptors = join(protoDir, "golden", "descriptors.binpb");

/** Writes the generated code under `parent`/gen. */
export function generateInto(parent: string): void {
  mustBuf(["generate", "--output", parent]);
}

/** Writes what buf compares with, as one image of all packages. */
export function writeDescriptors(file: string): void {
  mustBuf(["build", "--as-file-descriptor-set", "--exclude-source-info", "--output", file]);
}

if (import.meta.main) {
  const usage =
    "Usage: npm run proto\n\nLints, refuses what breaks others, writes gen/ and the golden descriptors. It takes no words.";
  const [word] = process.argv.slice(2);
  if (word !== undefined) {
    const help = word === "--help" || word === "-h";
    if (help) console.log(usage);
    else console.error(`proto: unknown word ${word}; it takes none`);
    process.exit(help ? 0 : 1);
  }
  mustBuf(["format", "--diff", "--exit-code"]);
  mustBuf(["lint"]);
  if (existsSync(goldenDescriptors)) mustBuf(["breaking", "--against", goldenDescriptors]);
  generateInto(protoDir);
  writeDescriptors(goldenDescriptors);
}
