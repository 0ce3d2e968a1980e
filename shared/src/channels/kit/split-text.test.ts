import fc from "fast-check";
import { expect, it } from "vitest";
import { splitText } from "./split-text.ts";

it("leaves what fits as it is, and white space alone out", () => {
  expect(splitText("hello", 16)).toEqual(["hello"]);
  expect(splitText("x".repeat(16), 16)).toEqual(["x".repeat(16)]);
  expect(splitText(" \n ", 16)).toEqual([]);
  expect(splitText("", 16)).toEqual([]);
});

it("cuts at line ends, then at spaces, then anywhere but inside a character", () => {
  expect(splitText("first line one\nsecond line", 24)).toEqual(["first line one", "second line"]);
  expect(splitText("some words and more words", 24)).toEqual(["some words and more", "words"]);
  for (const part of splitText("👋".repeat(100), 21)) expect(part.isWellFormed()).toBe(true);
});

it("cuts no reference in two", () => {
  const text = `${"word ".repeat(4)}<https://example.com/a|a label> end`;
  expect(splitText(text, 40).join(" ")).toContain("<https://example.com/a|a label>");
  expect(splitText(`${"x".repeat(20)}<@U0123456789>${"y".repeat(20)}`, 30)[1]).toMatch(/^<@U0123456789>/);
});

it("closes a code block at the end of a part and opens it again", () => {
  const parts = splitText(`before\n\`\`\`\n${"code line\n".repeat(10)}\`\`\`\nafter`, 60);
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) expect(part.split("```").length % 2).toBe(1);
});

it("holds its limit and loses nothing but white space, for any text", () => {
  const text = fc.string({ unit: fc.constantFrom("a", " ", "\n", "👋", "`", "```", "<", ">", "<@U1>", "é"), maxLength: 400 });
  fc.assert(
    fc.property(text, fc.integer({ min: 16, max: 80 }), (whole, lengthMax) => {
      const parts = splitText(whole, lengthMax);
      for (const part of parts) expect(part.length).toBeLessThanOrEqual(lengthMax);
      const bare = (each: string) => each.replaceAll(/[\s`]/g, "");
      expect(parts.map(bare).join("")).toBe(bare(whole));
    }),
    { numRuns: 500 },
  );
});
