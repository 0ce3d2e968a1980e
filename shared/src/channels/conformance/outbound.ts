// What every channel's outbound door must hold, as one suite: nothing is sent that was not asked for, and nothing but a
// DeliveryError ever comes out of a delivery.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import { SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { describe, expect, it } from "vitest";
import type { OutboundAccount } from "../contract/account.ts";
import type { Capability } from "../contract/channel.ts";
import {
  DeliveryError,
  type DeliveryErrorKind,
  type EditTarget,
  type OutboundDoor,
  type PlannedCall,
  type SendFetch,
} from "../contract/outbound.ts";
import type { Forger } from "./forger.ts";

type Command = MessageInitShape<typeof SendCommandSchema>;

const edits: [string, Command][] = [
  ["an EDIT relation", { relation: { kind: MessageRelation_Kind.EDIT } }],
  ["edit_of_message_id", { editOfMessageId: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
  ["edit_of_external_id", { editOfExternalId: "1" }],
];

const never: [string, Command][] = [
  ["conversation_empty", { conversationExternalId: "" }],
  ["text_empty", { text: "" }],
  ["text_empty", { text: " \n " }],
];

/** What asks for each capability, and what a channel says that does not list it. */
const asks: Record<Capability, [Command, string]> = {
  reply: [{ relation: { kind: MessageRelation_Kind.REPLY } }, "relation_unsupported"],
  edit: [{ relation: { kind: MessageRelation_Kind.EDIT } }, "relation_unsupported"],
  delete: [{ relation: { kind: MessageRelation_Kind.DELETE } }, "relation_unsupported"],
  reaction: [{ relation: { kind: MessageRelation_Kind.REACTION, reactionEmoji: "👍" } }, "relation_unsupported"],
  pin: [{ relation: { kind: MessageRelation_Kind.PIN } }, "relation_unsupported"],
  typing: [{ typing: true }, "typing_unsupported"],
  attachment: [{ attachments: [create(AttachmentSchema, {})] }, "attachments_unsupported"],
  rich_content: [{ richContent: {} }, "rich_content_unsupported"],
};

/** The one kind that an answer may be taken for; undefined: delivered, or perhaps done. */
const answers: [string, () => Response, DeliveryErrorKind | undefined][] = [
  ["200 with nonsense", () => new Response("<html>it works</html>"), undefined],
  ["200 with other JSON", () => Response.json([1, "two", null]), undefined],
  ["200 with nothing", () => new Response(""), undefined],
  ["429", () => new Response("", { status: 429, headers: { "Retry-After": "2" } }), "rate_limited"],
  ["429 that says no time", () => new Response("slow down", { status: 429 }), "rate_limited"],
  ["400 with nonsense", () => new Response("<html>", { status: 400 }), "rejected"],
];

const fetchKinds: DeliveryErrorKind[] = ["rate_limited", "unavailable", "rejected", "unknown"];

export function describeOutboundDoor(door: OutboundDoor, { accounts: [forged], ours }: Forger): void {
  if (!forged) throw new Error(`the forger of ${door.channel.slug} has no account`);
  const account: OutboundAccount = {
    accountId: forged.accountId,
    externalId: forged.externalId,
    settings: { api_base_url: "http://platform.example" },
    credential: "credential-that-nobody-may-see",
  };
  const conversationExternalId = ours.conversationExternalId;
  const editTarget: EditTarget = { externalId: ours.messageExternalId };
  const plan = (command: Command, target?: EditTarget) =>
    door.plan(create(SendCommandSchema, { id: "01B", conversationExternalId, text: "hello", ...command }), target);

  function callsOf(command: Command, target?: EditTarget): PlannedCall[] {
    const planned = plan(command, target);
    return planned.kind === "calls" ? planned.calls : expect.fail(planned.code);
  }

  async function outcomeOf(call: PlannedCall, fetch: SendFetch): Promise<unknown> {
    return door.deliver(call, { account, fetch, idempotencyKey: "k" }).catch((error: unknown) => error);
  }

  const capabilities = new Set<string>(door.channel.capabilities);
  const listed = Object.entries(asks).filter(([capability]) => capabilities.has(capability));
  const unlisted = Object.entries(asks).filter(([capability]) => !capabilities.has(capability));
  const canEdit = capabilities.has("edit");
  const both: (readonly [string, () => PlannedCall | undefined])[] = [
    ["send", () => callsOf({})[0]],
    ...(canEdit ? ([["edit", () => callsOf({}, editTarget)[0]]] as const) : []),
  ];

  describe(`outbound door of ${door.channel.slug}`, () => {
    it.each(canEdit ? edits : [])("G5: never sends a new message for %s without a known target", (_name, command) => {
      expect(plan(command)).toMatchObject({ kind: "rejected", code: "edit_target_unknown" });
      expect(callsOf(command, editTarget)[0]?.action).toBe("edit");
    });

    it.each(never)("G5: says %s instead of sending less than was asked", (code, command) => {
      expect(plan(command)).toMatchObject({ kind: "rejected", code });
    });

    it("takes an agent's answer, which is a reply: a platform without replies is sent a plain message", () => {
      expect(door.channel.capabilities, 'List "reply" among the capabilities of channel.ts.').toContain("reply");
    });

    it.each(listed)("plans what its record says it can: %s", (_capability, [command]) => {
      expect(callsOf(command, command.relation?.kind === MessageRelation_Kind.EDIT ? editTarget : undefined)).not.toEqual([]);
    });

    it.each(unlisted)("G5: says that it cannot, and sends nothing of it: %s", (_capability, [command, code]) => {
      expect(plan(command, editTarget)).toMatchObject({ kind: "rejected", code });
    });

    it("splits a long text into messages that each fit, and plans what survives JSON", () => {
      const { textLengthMax } = door.channel.limits;
      for (const target of canEdit ? [undefined, editTarget] : [undefined]) {
        const calls = callsOf({ text: "words and 👋 ".repeat(textLengthMax / 4) }, target);
        expect(calls.length).toBeGreaterThan(2);
        expect(calls.slice(1).every((call) => call.action === "send")).toBe(true);
        for (const { payload } of calls) expect(longestIn(payload)).toBeLessThanOrEqual(textLengthMax);
        expect(longestIn(calls[0]?.payload ?? {}), "the text stands as it is in the payload").toBeGreaterThan(textLengthMax / 2);
        expect(JSON.parse(JSON.stringify(calls))).toEqual(calls);
      }
    });

    it("plans the same twice", () => {
      expect(plan({ text: "same" })).toEqual(plan({ text: "same" }));
    });

    describe.each(both)("%s", (action, callOf) => {
      it.each(fetchKinds)("throws what fetch says: %s", async (kind) => {
        const call = callOf() ?? expect.fail();
        const thrown = new DeliveryError(kind, "from_fetch", "said by fetch", kind === "rate_limited" ? { retryAfterMs: 5 } : {});
        const outcome = await outcomeOf(call, () => Promise.reject(thrown));
        expect(outcome).toBeInstanceOf(DeliveryError);
        expect(outcome).toMatchObject({ kind: kind === "unknown" ? perhapsDone(action) : kind, code: "from_fetch" });
      });

      it.each(answers)("understands %s", async (_name, answer, kind) => {
        const outcome = await outcomeOf(callOf() ?? expect.fail(), async () => answer());
        if (kind === undefined && !(outcome instanceof Error)) return expect(outcome).toHaveProperty("externalId");
        expect(outcome).toBeInstanceOf(DeliveryError);
        if (kind !== undefined) return expect(outcome).toMatchObject({ kind });
        expect(outcome).toMatchObject({ kind: perhapsDone(action) });
      });

      it("does not take a 500 for nothing sent, nor for a refusal", async () => {
        const outcome = await outcomeOf(callOf() ?? expect.fail(), async () => new Response("oops", { status: 500 }));
        expect(outcome).toBeInstanceOf(DeliveryError);
        expect(outcome).toMatchObject({ kind: perhapsDone(action) });
      });

      it("throws a DeliveryError when the answer breaks off", async () => {
        const broken = () => new ReadableStream({ start: (controller) => controller.error(new TypeError("terminated")) });
        for (const status of [200, 500]) {
          const outcome = await outcomeOf(callOf() ?? expect.fail(), async () => new Response(broken(), { status }));
          expect(outcome).toBeInstanceOf(DeliveryError);
        }
      });

      it("says a refusal without the credential", async () => {
        const outcome = await outcomeOf(callOf() ?? expect.fail(), async () => new Response(account.credential, { status: 400 }));
        expect(String(outcome)).not.toContain(account.credential);
      });
    });
  });
}

/** The length of its longest text, whatever the door calls it. */
function longestIn(payload: PlannedCall["payload"]): number {
  return Math.max(0, ...Object.values(payload).map((value) => (typeof value === "string" ? value.length : 0)));
}

/** What may have been carried out is unknown; an edit may then be called unavailable, for to make it again shows nothing twice. */
function perhapsDone(action: string) {
  return action === "edit" ? expect.stringMatching(/^(unknown|unavailable)$/) : "unknown";
}
