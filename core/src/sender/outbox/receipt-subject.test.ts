import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { type AccountId, conversationIdOf } from "@mio/shared/ids.ts";
import { Client } from "pg";
import { afterAll, expect, it } from "vitest";
import { receiptSubjectSql } from "../ledger/queue.ts";

const database = await testDatabase();
const db = new Client({ connectionString: database.dsn });
await db.connect();
afterAll(async () => {
  await db.end();
  await database[Symbol.asyncDispose]();
});

it("spells the subject of a receipt in SQL as everywhere else", async () => {
  const accountId = "22222222-2222-5222-8222-222222222222" as AccountId;
  const scopes = { channelType: "zoho_cliq", accountId, conversationId: conversationIdOf(accountId, "general") };
  const { rows } = await db.query(
    `select ${receiptSubjectSql} as subject from (values ($1, $2, $3)) as t (channel_type, account_id, conversation_id)`,
    [scopes.channelType, scopes.accountId, scopes.conversationId],
  );
  expect(rows).toEqual([{ subject: subjectOf({ direction: "receipt", ...scopes }) }]);
});
