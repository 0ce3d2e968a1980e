import { Client } from "pg";
import { expect, it } from "vitest";
import { testDatabase } from "./postgres.ts";

it("gives each caller a migrated database of its own", async () => {
  await using first = await testDatabase();
  await using second = await testDatabase();
  expect(first.dsn).not.toBe(second.dsn);
  const client = new Client({ connectionString: second.dsn });
  await client.connect();
  const { rows } = await client.query("select count(*)::int as tenants from tenants");
  await client.end();
  expect(rows).toEqual([{ tenants: 0 }]);
});
