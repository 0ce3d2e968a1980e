// Configuration: every good value, and every bad one with its line.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDirectoryKeys, testSealingKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { afterAll, describe, expect, it } from "vitest";
import { describeConfig, describeVariables, readConfig } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "mio-edge-"));
afterAll(() => rmSync(folder, { recursive: true }));

const good = {
  EDGE_REGION: "eu",
  NATS_URL: "nats://a:4222",
  NATS_PASSWORD: "secret",
  DIRECTORY_KEYS: testDirectoryKeys,
  MIO_DATA: "/data",
};

describe("configuration", () => {
  it("has defaults for what can have one, the strict environment among them", () => {
    expect(readConfig(good)).toEqual({
      environment: "production",
      region: "eu",
      natsUrls: ["nats://a:4222"],
      natsUser: "edge",
      natsPassword: "secret",
      directoryKeys: testSealingKeys,
      httpHost: "0.0.0.0",
      httpPort: 8080,
      dataDir: "/data",
      spoolBytesMax: 2 * 1024 ** 3,
    });
  });

  it("takes several servers, a value from a file, and a password that is empty", () => {
    const file = join(folder, "password");
    writeFileSync(file, "from a file\n");
    expect(readConfig({ ...good, NATS_URL: "nats://a:4222, tls://b.example.com:4222" }).natsUrls).toHaveLength(2);
    expect(readConfig({ ...good, NATS_PASSWORD_FILE: file }).natsPassword).toBe("from a file");
    expect(readConfig({ ...good, NATS_PASSWORD: "" }).natsPassword).toBe("");
  });

  it.each([
    ["MIO_ENV", "prod"],
    ["EDGE_REGION", "EU west"],
    ["EDGE_REGION", undefined],
    ["EDGE_REGION", ""],
    ["NATS_URL", undefined],
    ["NATS_URL", "ws://a:4222"],
    ["NATS_URL", "nats://a:4222,"],
    ["NATS_URL", "nats://user:password@a:4222"],
    ["NATS_PASSWORD", undefined],
    ["DIRECTORY_KEYS", undefined],
    ["DIRECTORY_KEYS", ""],
    ["DIRECTORY_KEYS", "k1:c2hvcnQ="],
    ["MIO_HTTP_PORT", "70000"],
    ["MIO_HTTP_PORT", "-1"],
    ["MIO_HTTP_PORT", "http"],
    ["MIO_DATA", undefined],
    ["MIO_SPOOL_BYTES_MAX", "2GB"],
    ["MIO_SPOOL_BYTES_MAX", "1000"],
    ["NATS_PASSWORD_FILE", "/nowhere/password"],
  ])("stops with one line for %s = %s", (name, value) => {
    expect(() => readConfig({ ...good, [name]: value })).toThrow(new RegExp(`^${name}[^\\n]*$`));
  });

  it("is told without its password, and each variable in one line", () => {
    expect(JSON.stringify(describeConfig(readConfig(good)))).not.toMatch(/secret|bytes|dGhl/);
    expect(describeVariables().split("\n")).toHaveLength(10);
  });
});
