// A fresh, migrated database for one test file, on the one Postgres of the run (see global-postgres.ts).
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { Client } from "pg";
import * as v from "valibot";
import { inject } from "vitest";
import { templateDatabase } from "./global-postgres.ts";

export interface TestDatabase extends AsyncDisposable {
  dsn: string;
}

/** `await using database = await testDatabase()`: dropped at the end of the scope, whoever is still connected. */
export async function testDatabase(): Promise<TestDatabase> {
  const maintenance = await postgresOfThisRun(inject("testPostgresSocket"));
  const name = `test_${randomBytes(6).toString("hex")}`;
  await execute(maintenance, `create database ${name} template ${templateDatabase}`);
  const dsn = new URL(maintenance);
  dsn.pathname = `/${name}`;
  return { dsn: dsn.href, [Symbol.asyncDispose]: () => execute(maintenance, `drop database if exists ${name} with (force)`) };
}

const answerSchema = v.union([v.object({ dsn: v.string() }), v.object({ error: v.string() })]);

function postgresOfThisRun(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: "/", agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      const answer = v.parse(answerSchema, JSON.parse(text));
      if ("dsn" in answer) resolve(answer.dsn);
      else reject(new Error(answer.error));
    });
    asking.once("error", reject);
    asking.end();
  });
}

async function execute(dsn: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: dsn });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
