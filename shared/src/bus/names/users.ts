// The users of the bus as data: what each kind of process may publish and hear, and nothing beyond. Everybody hears only the own inbox
// prefix, and core the reports of edges about themselves. Whatever is read from a stream comes to the inbox, because a consumer's creation names
// its filter in the subject that asks for it.
import type { AccountId } from "../../ids.ts";
import { type BucketSpec, bucketStream, bucketSubject, buckets, type StreamSpec, streams } from "./streams.ts";
import {
  accountSubjects,
  type Direction,
  deadLetterSubjectsOf,
  everySubject,
  ingressSubjects,
  isToken,
  oauthQueue,
  oauthSubjects,
  telemetrySubjects,
} from "./subjects.ts";

export type BusRole =
  | { role: "edge" }
  | { role: "core" }
  | { role: "admin" }
  /** `name` is also the consumer group, so replicas of one agent share it. */
  | { role: "agent"; name: string; accounts: readonly AccountId[] }
  /** A person on this machine. */
  | { role: "operator" };

export interface BusPermissions {
  /** Deny wins over allow. */
  publish: { allow: string[]; deny?: string[] };
  subscribe: { allow: string[] };
  /** May answer each request that it receives, once and within the server's two minutes, on the request's own reply subject. */
  allow_responses?: boolean;
  /** `_INBOX_<user>`: the client must be told, for its default prefix is shared by all. */
  inboxPrefix: string;
}

/** The user's name: the role, and for an agent `agent-<name>`. Throws when the agent's name is not one subject token. */
export function busUserOf(role: BusRole): string {
  if (role.role !== "agent") return role.role;
  if (!isToken(role.name)) throw new Error(`an agent's name is letters, digits, "_" and "-", not ${JSON.stringify(role.name)}`);
  return `agent-${role.name}`;
}

/** The inbox prefix of a user: pass it to the client as `inboxPrefix`. */
export function inboxPrefixOf(user: string): string {
  return `_INBOX_${user}`;
}

/** What a role may publish and hear, and nothing else. Throws when an agent's name or account is not one subject token. */
export function permissionsOf(role: BusRole): BusPermissions {
  const inboxPrefix = inboxPrefixOf(busUserOf(role));
  const { allow, deny } = publishOf(role);
  const hears = role.role === "operator" ? [">"] : [`${inboxPrefix}.>`];
  if (role.role === "core") hears.push(telemetrySubjects);
  const permissions = { publish: { allow, ...(deny ? { deny } : {}) }, subscribe: { allow: hears }, inboxPrefix };
  if (role.role !== "core" && role.role !== "admin") return permissions;
  // Only as a member of the queue, so that no process receives the OAuth codes of another one's requests.
  hears.push(`${oauthSubjects} ${oauthQueue}`);
  return { ...permissions, allow_responses: true };
}

function publishOf(role: BusRole): { allow: string[]; deny?: string[] } {
  switch (role.role) {
    case "edge":
      return { allow: [ingressSubjects, oauthSubjects, telemetrySubjects, ...readingOf(buckets.directory)] };
    case "core":
      return {
        allow: [
          everySubject,
          ...provisioning,
          ...reading,
          ...Object.values(buckets).map((bucket) => bucketSubject(bucket.name, ">")),
        ],
      };
    case "admin":
      return { allow: [bucketSubject(buckets.directory.name, ">"), ...provisioning, ...reading] };
    case "agent":
      return agentPublishOf(role);
    case "operator":
      return { allow: [">"] };
  }
}

/** Creates and changes streams and buckets; nobody but an operator deletes or purges one. */
const provisioning = [
  "$JS.API.INFO",
  "$JS.API.STREAM.CREATE.*",
  "$JS.API.STREAM.UPDATE.*",
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.LIST",
];

/** Reads every stream and bucket, with consumers of its own. */
const reading = [
  "$JS.API.STREAM.INFO.*",
  "$JS.API.STREAM.MSG.GET.*",
  "$JS.API.DIRECT.GET.>",
  "$JS.API.CONSUMER.>",
  "$JS.ACK.>",
  "$JS.FC.>",
];

/** What a read-only user of a bucket needs. */
function readingOf(bucket: BucketSpec): string[] {
  const stream = bucketStream(bucket.name);
  return [
    "$JS.API.INFO",
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DELETE.${stream}.>`,
    // Without a subject behind it: from a sequence on, several in one request.
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.FC.${stream}.>`,
  ];
}

/** The streams of which an agent reads its own accounts' part. */
const agentStreams: readonly [StreamSpec, Direction][] = [
  [streams.enriched, "inbound_enriched"],
  [streams.receipt, "receipt"],
  [streams.attachment, "attachment"],
];

/**
 * An agent reads through push consumers that deliver to its own inbox and that carry one account's filter in the subject of their
 * creation; it writes commands of its own accounts, its group's positions, and dead letters under its own name. It may not touch the
 * durables that are there for others (creating one that exists would update it); the consumers of other agents have names by chance that it
 * cannot list.
 *
 * A limit of the broker: it does not check where a consumer delivers to or where an answer goes, so an agent could have the broker repeat
 * a message of its own account elsewhere. Readers therefore refuse what is at odds with its subject.
 */
function agentPublishOf(role: Extract<BusRole, { role: "agent" }>): { allow: string[]; deny: string[] } {
  const positions = bucketSubject(buckets.positions.name, `${role.name}.>`);
  const allow = [
    "$JS.API.INFO",
    positions,
    `$JS.API.DIRECT.GET.${bucketStream(buckets.positions.name)}.${positions}`,
    deadLetterSubjectsOf(busUserOf(role)),
    ...agentStreams.map(([stream]) => `$JS.FC.${stream.name}.>`),
  ];
  for (const account of role.accounts) {
    if (!isToken(account)) throw new Error(`not an account id: ${JSON.stringify(account)}`);
    allow.push(accountSubjects("outbound", account));
    for (const [stream, direction] of agentStreams)
      allow.push(`$JS.API.CONSUMER.CREATE.${stream.name}.*.${accountSubjects(direction, account)}`);
  }
  for (const [stream] of agentStreams) allow.push(`$JS.API.CONSUMER.DELETE.${stream.name}.*`);
  const deny = agentStreams.flatMap(([stream]) =>
    stream.durables.flatMap(({ name }) => [
      `$JS.API.CONSUMER.CREATE.${stream.name}.${name}.>`,
      `$JS.API.CONSUMER.DELETE.${stream.name}.${name}`,
    ]),
  );
  return { allow, deny };
}
