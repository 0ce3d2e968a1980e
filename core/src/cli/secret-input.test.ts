import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { secretInput } from "./secret-input.ts";

/** A terminal that a test types at. */
function terminal({ isTTY = true } = {}) {
  const shown: string[] = [];
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: (raw: boolean) => void modes.push(raw) });
  return { stdin, stderr: { write: (text: string) => void shown.push(text) }, shown, modes };
}

it("reads a file or standard input, without the line's end, and knows the scheme", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-secret-"));
  const file = join(folder.path, "secret");
  await writeFile(file, "a=b\r\n");
  expect(await secretInput().verification(`slack-v0=@${file}`)).toEqual({ scheme: "slack-v0", value: "a=b" });
  expect(await secretInput().credential(`@${file}`)).toBe("a=b");
  const at = terminal({ isTTY: false });
  at.stdin.end("xoxb-1\n");
  expect(await secretInput(at).verification("hmac=-")).toEqual({ scheme: "hmac", value: "xoxb-1" });
});

it("asks at a terminal that shows nothing of it meanwhile, and takes back what was typed wrongly", async () => {
  const at = terminal();
  const asked = secretInput(at).verification("hmac=");
  at.stdin.write("sex\u007f");
  at.stdin.write("cret\r");
  expect(await asked).toEqual({ scheme: "hmac", value: "secret" });
  expect(at.modes).toEqual([true, false]);
  expect(at.shown.join("")).toBe("secret for --verification (not shown): \n");
  const given = terminal();
  const refused = secretInput(given).credential(true);
  given.stdin.write("half\u0003");
  await expect(refused).rejects.toThrow("no secret was given");
  expect(given.modes).toEqual([true, false]);
});

it("refuses a secret as an argument, and repeats neither it nor a file's name", async () => {
  const input = secretInput(terminal({ isTTY: false }));
  const tries: [() => Promise<unknown>, RegExp][] = [
    [() => input.verification("slack-v0=hunter2"), /takes no secret as an argument.*@file, - for standard input/],
    [() => input.credential("hunter2"), /takes no secret as an argument/],
    [() => input.verification("hunter2"), /has the form scheme=<source>/],
    [() => input.verification("=hunter2"), /has the form scheme=<source>/],
    [() => input.verification("Ahunter2=="), /has the form scheme=<source>/],
    [() => input.verification("Ahunter2="), /has the form scheme=<source>/],
    [() => input.credential("@/nowhere/hunter2"), /the file for --credential cannot be read/],
    [() => input.credential(true), /no terminal to ask/],
  ];
  for (const [give, expected] of tries) {
    const error = await give().catch(String);
    expect(error).toMatch(expected);
    expect(error).not.toContain("hunter2");
  }
});

it("reads standard input for one secret only, and takes no empty one", async () => {
  const at = terminal({ isTTY: false });
  at.stdin.end("\n");
  const input = secretInput(at);
  await expect(input.credential("-")).rejects.toThrow("the secret for --credential is empty");
  await expect(input.verification("hmac=-")).rejects.toThrow(/only one secret can come from standard input/);
});

it("takes no bytes that are not a secret's, and says so without them", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "mio-secret-"));
  const file = join(folder.path, "secret");
  const given = async (content: string | Uint8Array, option: "verification" | "credential") => {
    await writeFile(file, content);
    const input = secretInput();
    return option === "credential" ? input.credential(`@${file}`) : (await input.verification(`hmac=@${file}`)).value;
  };
  expect(await given("\ufeffhunter2\r\n", "credential")).toBe("hunter2");
  expect(await given("clé-鍵", "verification")).toBe("clé-鍵");
  expect(await given("BEGIN\nhunter2\nEND\n", "verification")).toBe("BEGIN\nhunter2\nEND");
  const bad: [string | Uint8Array, RegExp][] = [
    [Buffer.from("\ufeffhunter2", "utf16le"), /no text in UTF-8, or has control characters/],
    [Buffer.from("hunter2\xff", "latin1"), /no text in UTF-8/],
    ["hunter2\0", /control characters/],
    // Keys that move a cursor.
    ["hunter2\u001b[D", /control characters/],
    ["\r\n", /is empty/],
    ["", /is empty/],
    ["hunter2".repeat(10_000), /is too long/],
  ];
  for (const option of ["verification", "credential"] as const)
    for (const [content, expected] of bad) {
      const error = await given(content, option).catch(String);
      expect(error).toMatch(expected);
      expect(error).not.toContain("hunter2");
    }
  await expect(given("hunter2\nhunter3\n", "credential")).rejects.toThrow(/control characters/);
  await expect(secretInput().credential(`@${folder.path}`)).rejects.toThrow(/cannot be read/);
});
