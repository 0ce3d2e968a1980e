import { userInfo } from "node:os";
import { expect, it } from "vitest";
import { systemUser } from "./actor.ts";

it("names the user that the system knows, and one of a container, whom it does not know, by number", () => {
  expect(systemUser()).toBe(userInfo().username);
  const nameless = () => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  };
  expect(systemUser(nameless, 10_001)).toBe("uid:10001");
});
