import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { afterAll, expect, it } from "vitest";
import { provisionDatabase } from "./provision-database.ts";

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const ringOf = (fill: number) => ({ file: "folder/secret-keys", text: `local-1:${Buffer.alloc(32, fill).toString("base64")}` });

it("may be done again, and refuses a ring that was made anew beside a database that the lost one has sealed", async () => {
  await provisionDatabase(database.dsn, ringOf(1), []);
  await provisionDatabase(database.dsn, ringOf(1), []);
  await expect(provisionDatabase(database.dsn, ringOf(2), [])).rejects.toThrow(
    /^folder\/secret-keys: .*sealed with the key local-1:[0-9a-f]+, which MIO_SECRET_KEYS does not hold; put that key back .* begin anew$/,
  );
});
