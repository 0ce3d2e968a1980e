// One hostile request as data, so that it can be shrunk, printed, kept in the corpus and sent again on another day: what is signed by
// whom, and what is done to it afterwards. Times are relative, for signatures grow old.
import type { ForgedAccount, Forger } from "@mio/shared/channels/conformance/forger.ts";
import { forgers } from "@mio/shared/channels/conformance/forgers.ts";
import * as v from "valibot";

const text = v.string();
const count = v.pipe(v.number(), v.integer());

/** A body: a text, bytes, or something long told shortly. */
const body = v.union([text, v.object({ base64: text }), v.object({ before: text, repeat: text, times: count, after: text })]);

/** Done to headers after signing. Names may come several times. */
const headerChange = v.union([
  v.object({ set: text, to: text }),
  v.object({ add: text, value: text }),
  v.object({ remove: text }),
  v.object({ double: text }),
]);

/** Done to the body after signing. */
const spoil = v.union([v.object({ flipBit: count }), v.object({ cutTo: count }), v.object({ append: text })]);

export const hostileCaseSchema = v.object({
  /** For people: what it is about, and where it once did harm. */
  about: v.optional(text),
  channel: text,
  method: v.optional(text, "POST"),
  /** Path and query. `{account}` stands for the id of the account at `of`. */
  target: text,
  of: v.optional(count, 0),
  contentType: v.optional(text, "application/json"),
  body,
  /** Left out: not signed at all. */
  sign: v.optional(v.object({ by: count, skewSeconds: v.optional(count, 0) })),
  spoil: v.optional(v.array(spoil), []),
  headers: v.optional(v.array(headerChange), []),
  /** Where it is genuine: the day that its event must have. */
  eventDay: v.optional(text),
});

export type HostileCase = v.InferOutput<typeof hostileCaseSchema>;

export interface HostileRequest {
  forger: Forger;
  /** The account whose URL it is; undefined on a shared or odd one. */
  of: ForgedAccount | undefined;
  method: string;
  target: string;
  headers: [string, string][];
  body: Uint8Array<ArrayBuffer>;
}

export function requestOf(hostile: HostileCase, nowMs: number): HostileRequest {
  const forger = forgers.find(({ channelType }) => channelType === hostile.channel);
  if (!forger) throw new Error(`no forger for channel ${hostile.channel}`);
  const of = at(forger.accounts, hostile.of);
  const signedBody = bytesOf(hostile.body);
  const sign = hostile.sign;
  const headers: [string, string][] = [["content-type", hostile.contentType]];
  if (sign)
    headers.push(...forger.signed(at(forger.accounts, sign.by), signedBody, Math.floor(nowMs / 1_000) + sign.skewSeconds));
  return {
    forger,
    of: hostile.target.split("?")[0] === `${forger.paths[0]}/{account}` ? of : undefined,
    method: hostile.method,
    target: hostile.target.replaceAll("{account}", of.accountId),
    headers: hostile.headers.reduce(changed, headers),
    body: hostile.spoil.reduce(spoilt, signedBody),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[Math.abs(index) % list.length];
  if (found === undefined) throw new Error("an empty list");
  return found;
}

function bytesOf(given: HostileCase["body"]): Uint8Array<ArrayBuffer> {
  if (typeof given === "string") return new TextEncoder().encode(given);
  if ("base64" in given) return Uint8Array.from(Buffer.from(given.base64, "base64"));
  return new TextEncoder().encode(given.before + given.repeat.repeat(given.times) + given.after);
}

function changed(headers: [string, string][], change: HostileCase["headers"][number]): [string, string][] {
  const is =
    (wanted: string) =>
    ([name]: [string, string]) =>
      name.toLowerCase() === wanted.toLowerCase();
  if ("remove" in change) return headers.filter((each) => !is(change.remove)(each));
  if ("double" in change) return headers.flatMap((each) => (is(change.double)(each) ? [each, each] : [each]));
  if ("add" in change) return [...headers, [change.add, change.value]];
  return [...headers.filter((each) => !is(change.set)(each)), [change.set, change.to]];
}

function spoilt(bytes: Uint8Array<ArrayBuffer>, how: HostileCase["spoil"][number]): Uint8Array<ArrayBuffer> {
  if ("cutTo" in how) return bytes.slice(0, Math.max(0, how.cutTo));
  if ("append" in how) return Uint8Array.from([...bytes, ...new TextEncoder().encode(how.append)]);
  const copy = bytes.slice();
  const bit = bytes.length === 0 ? 0 : how.flipBit % (bytes.length * 8);
  if (copy.length > 0) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
