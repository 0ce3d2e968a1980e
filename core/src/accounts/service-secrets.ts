// What seals secrets, for a service that reads or writes them.
import type { ServiceContext } from "../service.ts";
import { readySecretStore } from "./seal-plain.ts";
import type { SecretStore } from "./secret-store.ts";

/** The process is not ready before it resolves. */
export async function serviceSecrets({ db, config, log, readiness }: ServiceContext): Promise<SecretStore> {
  let ready = false;
  readiness(() => (ready ? undefined : "secrets that an older version left plain are being sealed"));
  const store = await readySecretStore(db, config.secretKeys, (count) => log.info({ count }, "plain secrets sealed"));
  ready = true;
  return store;
}
