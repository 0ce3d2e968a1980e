// The keys that seal the directory in tests and benches: known to everybody, so never anything else's.
import { parseSealingKeys, type SealingKey } from "@mio/shared/bus/wire/sealed-value.ts";

/** As a configuration has them. */
export const testDirectoryKeys = "test:dGhlIHRlc3Qga2V5IHRoYXQgZXZlcnlib2R5IGtub3c=";

export const testSealingKeys: readonly SealingKey[] = parseSealingKeys(testDirectoryKeys) ?? [];
