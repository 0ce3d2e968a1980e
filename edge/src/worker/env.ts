// The Worker's variables, and how its configuration is read from them: once, with one line that says what is wrong.
import { parseSealingKeys, type SealingKey, sealingKeysExample } from "@mio/shared/bus/wire/sealed-value.ts";
import { environments } from "@mio/shared/channels/doors/doors-in.ts";
import * as v from "valibot";
import { uplinkLimits } from "../uplink/limits.ts";

/** Those that are text; bindings.ts adds the objects. */
export interface Variables {
  MIO_ENV: string;
  EDGE_REGION: string;
  /** One or several, separated by commas. */
  NATS_WEBSOCKET_URL: string;
  NATS_USER: string;
  /** A secret. */
  NATS_PASSWORD: string;
  /** A secret: what opens the directory. */
  DIRECTORY_KEYS: string;
  /** Left out: `uplinkLimits.spoolBytesMax`. */
  SPOOL_BYTES_MAX?: string;
}

const configuration = v.object({
  MIO_ENV: v.picklist(environments, "MIO_ENV must be local, staging or production"),
  EDGE_REGION: v.pipe(
    v.string("EDGE_REGION is not set, for example eu"),
    v.regex(/^[a-z0-9_-]+$/, "EDGE_REGION must be like eu"),
  ),
  NATS_WEBSOCKET_URL: v.pipe(
    v.string("NATS_WEBSOCKET_URL is not set, for example wss://bus.example.com"),
    v.transform((list) => list.split(",").map((each) => each.trim())),
    v.array(
      v.pipe(
        v.string(),
        v.regex(/^wss?:\/\/[^\s/@]+/, "NATS_WEBSOCKET_URL must be ws:// or wss:// addresses, separated by commas"),
      ),
    ),
  ),
  NATS_USER: v.pipe(v.string("NATS_USER is not set, for example edge"), v.minLength(1, "NATS_USER is empty")),
  NATS_PASSWORD: v.string("NATS_PASSWORD is not set; it is a secret of the Worker"),
  SPOOL_BYTES_MAX: v.optional(
    v.pipe(v.string(), v.regex(/^[1-9]\d{3,12}$/, "SPOOL_BYTES_MAX is a number of bytes"), v.transform(Number)),
    String(uplinkLimits.spoolBytesMax),
  ),
});

export type Configuration = v.InferOutput<typeof configuration>;

/** Throws with the name of the variable that is missing or odd. */
export function readConfiguration(env: Variables): Configuration {
  const { MIO_ENV, EDGE_REGION, NATS_WEBSOCKET_URL, NATS_USER, NATS_PASSWORD, SPOOL_BYTES_MAX } = env;
  return v.parse(configuration, { MIO_ENV, EDGE_REGION, NATS_WEBSOCKET_URL, NATS_USER, NATS_PASSWORD, SPOOL_BYTES_MAX });
}

const directoryKeys = v.pipe(
  v.string(`DIRECTORY_KEYS is not set; it is a secret of the Worker, such as ${sealingKeysExample}, the same as core has`),
  v.transform(parseSealingKeys),
  v.custom<SealingKey[]>(Array.isArray, `DIRECTORY_KEYS has no good value; make one like ${sealingKeysExample}`),
);

/** Apart from the rest: an uplink needs no key, and drains its spool also in a deployment that lost them. Throws as `readConfiguration`. */
export function readDirectoryKeys(env: Variables): SealingKey[] {
  return v.parse(directoryKeys, env.DIRECTORY_KEYS);
}
