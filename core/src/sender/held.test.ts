// An account whose credential does not open, because a key is missing or the row was moved: an operator's to mend, and no command's fault.
import { createStage, states } from "@mio/proving/kit/sender/stage.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { pino } from "pino";
import { expect, it } from "vitest";

it("G7: holds the commands of an account whose credential does not open, and of no other, and sends them once it does", async () => {
  await using stage = await createStage();
  const [held, other] = [await stage.account("held"), await stage.account("other")];
  const change = (sql: string, ...values: string[]) =>
    stage.db.query(`update account_secrets set ${sql} where account_id = $1`, [held.id, ...values]);
  const { rows } = await stage.db.query("select key_name from account_secrets where account_id = $1", [held.id]);
  await change("key_name = 'gone:0'");
  const logged: string[] = [];
  stage.start({ log: pino({ level: "error" }, { write: (line: string) => void logged.push(line) }) });
  const waiting = stage.command(held, "general", "waits");
  await stage.publish(waiting, ...Array.from({ length: 20 }, (_, index) => stage.command(other, "general", `goes ${index}`)));
  await stage.ended(20);
  await eventually("the log says whose credential does not open, and the key", async () =>
    logged.some((line) => line.includes(held.id) && line.includes("gone:0")),
  );
  expect(await stage.stateOf(waiting.id)).toBe("queued");
  await change("key_name = $2", rows[0].key_name);
  const finals = await stage.ended(21);
  expect(finals.get(waiting.id)).toMatchObject({ attempts: 1 });
  expect(stage.platform.calls.at(-1)).toMatchObject({ text: "waits", credential: "held" });
  // Once, not at each reading.
  expect(logged.filter((line) => line.includes(held.id))).toHaveLength(1);
});

it("G6: holds a call that an owner left behind, too, and makes it again under its key once the credential opens", async () => {
  await using stage = await createStage();
  const account = await stage.account("held");
  const left = stage.command(account, "general", "left");
  const { rows } = await stage.db.query("select key_name from account_secrets where account_id = $1", [account.id]);
  await stage.db.query("update account_secrets set key_name = 'gone:0'");
  const first = stage.start();
  await stage.publish(left);
  await eventually("it is in the ledger", async () => (await stage.stateOf(left.id)) === "queued");
  await first.stop();
  // As an owner leaves it that was killed in the call.
  await stage.db.query(
    "update sender_commands set state = 'sending', attempt_id = 'gone/1/1', attempts = 1, attempt_deadline = now()",
  );
  const logged: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
  stage.start({ grade: "exactly_once", log });
  await eventually("the log says whose credential does not open", () => logged.some((line) => line.includes(account.id)));
  await stage.db.query("update account_secrets set key_name = $1", [rows[0].key_name]);
  const finals = await stage.ended(1);
  expect(finals.get(left.id)?.state).toBe(states.SENT);
  expect(stage.platform.calls).toHaveLength(1);
});
