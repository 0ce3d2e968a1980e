// What a door makes of its channel's fixtures: each comes out as it says, and all of them in the way that every channel's must.
import { toBinary, toJson } from "@bufbuild/protobuf";
import { MessageSchema } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { describe, expect, it } from "vitest";
import * as everybodys from "../../attributes.ts";
import { conversationIdOf, isUuid, messageIdOf, type SourceMessageId } from "../../ids.ts";
import type { InboundDoor, Normalised, WebhookRequest } from "../contract/inbound.ts";
import type { Fixture, ProofFixture, WebhookFixture } from "./fixture.ts";

export interface Fixtures {
  all: readonly Fixture[];
  proofs: readonly ProofFixture[];
  webhooks: readonly WebhookFixture[];
}

export function describeFixtures(door: InboundDoor, { all: fixtures, proofs, webhooks }: Fixtures): void {
  const understood = webhooks.filter(({ normalised }) => normalised.kind === "messages");

  describe(`${door.channel.slug}: its fixtures`, () => {
    it.each(proofs.map((proof) => [proof.name, proof.about, proof] as const))(
      "G11: judges the signature of %s: %s",
      async (_name, _about, { request, secret, nowMs, verified }) => {
        expect((await door.verify(request, [secret], nowMs)).kind).toBe(verified ? "verified" : "refused");
      },
    );

    it.each(webhooks.map((webhook) => [titleOf(webhook), webhook] as const))(
      "%s",
      (_title, { request, account: whose, normalised }) => {
        expect(asJson(door.read(request).normalise(whose))).toEqual(normalised);
      },
    );

    it("claim their workspace, where they say which", () => {
      for (const { name, request, expected } of fixtures)
        if (expected.workspace !== undefined) expect(door.read(request).workspace(), name).toBe(expected.workspace ?? undefined);
    });

    it("are handshakes only where they say so", () => {
      for (const { name, request, expected } of fixtures) {
        expect(door.read(request).unsignedHandshake?.(), name).toEqual(expected.unsignedHandshake);
        expect(door.read(request).signedHandshake?.(), name).toEqual(expected.signedHandshake);
      }
    });

    it("G3: give a repeat the same ids, the same day and the same bytes", () => {
      for (const { name, request, account: whose } of webhooks) {
        const [first, second] = [request, copyOf(request)].map((each) => door.read(each).normalise(whose));
        expect(second, name).toEqual(first);
        const bytes = [first, second].map(
          (each) => each && eventsOf(each).map(({ message }) => toBinary(MessageSchema, message)),
        );
        expect(bytes[0], name).toEqual(bytes[1]);
      }
    });

    it("G3: name one event alike and two different events differently", () => {
      const idsOf = new Map(
        understood.map(({ name, request, account: whose }) => [
          name,
          eventsOf(door.read(request).normalise(whose)).map(({ message }) => message.sourceMessageId),
        ]),
      );
      for (const { name, sameIdsAs } of understood)
        if (sameIdsAs !== undefined) expect(idsOf.get(name), name).toEqual(idsOf.get(sameIdsAs));
      const different = understood
        .filter(({ sameIdsAs }) => sameIdsAs === undefined)
        .flatMap(({ name }) => idsOf.get(name) ?? []);
      expect(new Set(different).size).toBe(different.length);
    });

    it("become messages with attributes that the channel's record names, or that are everybody's", () => {
      const named = [...Object.values(door.channel.attributes), ...Object.values(everybodys)];
      for (const { name, request, account: whose } of understood)
        for (const { message } of eventsOf(door.read(request).normalise(whose)))
          expect(named, name).toEqual(expect.arrayContaining(Object.keys(message.attributes)));
    });

    it("become messages whose ids follow from the account and the event alone", () => {
      for (const { request, account: whose } of understood) {
        const events = eventsOf(door.read(request).normalise(whose));
        expect(events.length).toBeGreaterThan(0);
        for (const { message, eventDay } of events) {
          expect(eventDay).toMatch(/^(\d{4}-\d\d-\d\d)?$/);
          expect(message.id).toBe(messageIdOf(whose.accountId, message.sourceMessageId as SourceMessageId));
          expect(message.conversationId).toBe(conversationIdOf(whose.accountId, message.conversationExternalId));
          expect(message).toMatchObject({
            schemaVersion: 1,
            tenantId: whose.tenantId,
            accountId: whose.accountId,
            channelType: door.channel.slug,
          });
          expect([message.receivedAt, message.edge]).toEqual([undefined, undefined]);
          const targets = [message.threadRootMessageId, message.relation?.targetMessageId ?? ""];
          for (const id of targets) expect(id === "" || isUuid(id)).toBe(true);
        }
      }
    });
  });
}

function titleOf({ name, about, normalised }: WebhookFixture): string {
  return normalised.kind === "malformed" ? `G11: finds ${name} malformed: ${about}` : `reads ${name}: ${about}`;
}

function eventsOf(normalised: Normalised) {
  return normalised.kind === "messages" ? normalised.events : [];
}

/** As a fixture says it. */
function asJson(normalised: Normalised): unknown {
  if (normalised.kind !== "messages") return normalised;
  const events = normalised.events.map(({ eventDay, message }) => ({
    eventDay,
    message: toJson(MessageSchema, message, { useProtoFieldName: true }),
  }));
  return { kind: normalised.kind, events };
}

function copyOf(request: WebhookRequest): WebhookRequest {
  return { ...request, body: request.body.slice() };
}
