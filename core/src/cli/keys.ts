// `mio keys`: the ring that seals accounts' secrets in the database.
import { Command } from "commander";
import { rotateKeys } from "../control/keys/operation.ts";
import { withSecrets } from "./connection.ts";
import { print } from "./output.ts";

/** May be repeated, also after a break. */
export function keysCommand(): Command {
  const keys = new Command("keys").description("Keys: what seals accounts' secrets in the database.");
  keys
    .command("rotate")
    .description("Seals every secret again with the first key of MIO_SECRET_KEYS. Idempotent.")
    .addHelpText("after", "\nOnce it has ended with no secret refused, the other keys can be taken away everywhere.")
    .action(async (_options: unknown, command: Command) => {
      const rotated = await withSecrets(command, (control) =>
        rotateKeys(control, (done) => {
          if (process.stderr.isTTY) process.stderr.write(`\r${done} secrets sealed again`);
        }),
      );
      if (process.stderr.isTTY) process.stderr.write("\n");
      const refused = rotated.refused.map(({ accountId, keyName }) => ({ account_id: accountId, key: keyName }));
      const facts = [["sealed again", `${rotated.resealed} secrets, with ${rotated.key}`]];
      for (const { account_id, key } of refused) facts.push(["refused", `account ${account_id}: ${key} does not open it`]);
      print(command, { key: rotated.key, resealed: rotated.resealed, refused }, { columns: ["what", "value"], rows: facts });
      if (refused.length > 0) process.exitCode = 1;
    });
  return keys;
}
