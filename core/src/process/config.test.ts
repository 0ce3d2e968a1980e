import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDirectoryKeys } from "@mio/proving/kit/bus/directory-keys.ts";
import { testSecretKeys } from "@mio/proving/kit/database/secrets.ts";
import { describe, expect, it } from "vitest";
import { ConfigError, describeConfig, readConfig } from "./config.ts";

const good = { MIO_NATS_URL: "nats://a:4222,nats://b:4222", MIO_POSTGRES_DSN: "postgres://mio:secret@db:5432/mio" };

describe("readConfig", () => {
  it("needs only the bus and the database, and is production-like by default", () => {
    const config = readConfig(good);
    expect(config).toMatchObject({
      environment: "production",
      natsUrls: ["nats://a:4222", "nats://b:4222"],
      streamReplicas: 3,
      httpHost: "0.0.0.0",
    });
  });

  it("listens on loopback and keeps one replica locally", () => {
    expect(readConfig({ ...good, MIO_ENV: "local" })).toMatchObject({ streamReplicas: 1, httpHost: "127.0.0.1" });
  });

  it("names the variable and an example of a good value for everything missing or odd", () => {
    const bad: Record<string, Record<string, string | undefined>> = {
      MIO_NATS_URL: { MIO_NATS_URL: undefined },
      MIO_POSTGRES_DSN: { MIO_POSTGRES_DSN: "mysql://db" },
      MIO_ENV: { MIO_ENV: "prod" },
      MIO_HTTP_PORT: { MIO_HTTP_PORT: "65536" },
      MIO_PARTITIONS: { MIO_PARTITIONS: "1.5" },
      MIO_STREAM_REPLICAS: { MIO_STREAM_REPLICAS: "-1" },
      MIO_LOG_LEVEL: { MIO_LOG_LEVEL: "loud" },
      MIO_DIRECTORY_KEYS: { MIO_DIRECTORY_KEYS: "k1:c2hvcnQ=" },
      MIO_SECRET_KEYS: { MIO_SECRET_KEYS: "k1:c2hvcnQ=" },
      MIO_OAUTH_APPS: { MIO_OAUTH_APPS: '{"a": {"client_id": "1"}}' },
    };
    for (const [name, change] of Object.entries(bad)) {
      expect(() => readConfig({ ...good, ...change }), name).toThrow(new RegExp(`^${name} .* ${name}=\\S`));
    }
  });

  it("names the variable of a database address that cannot be parsed", () => {
    for (const dsn of ["postgres://mio:a/b@db:5432/mio", "postgres://mio@db:port/mio"])
      expect(() => readConfig({ ...good, MIO_POSTGRES_DSN: dsn }), dsn).toThrow(
        /^MIO_POSTGRES_DSN .* MIO_POSTGRES_DSN=postgres:/,
      );
  });

  it("knows our apps at platforms by channel, and tells their names alone", () => {
    const app = { client_id: "id-1", client_secret: "secret-1", verification: [{ scheme: "hmac", value: "secret-2" }] };
    const config = readConfig({ ...good, MIO_OAUTH_APPS: JSON.stringify({ alpha: app, beta: { ...app, scopes: ["read"] } }) });
    expect(config.oauthApps.get("alpha")).toEqual({
      clientId: "id-1",
      clientSecret: "secret-1",
      scopes: [],
      settings: {},
      verification: app.verification,
    });
    expect(describeConfig(config).oauthApps).toBe("set (alpha, beta)");
    expect(JSON.stringify(describeConfig(config))).not.toMatch(/secret-\d|id-1/);
    expect(readConfig(good).oauthApps.size).toBe(0);
  });

  it("refuses checkpoints outside the local environment", () => {
    expect(() => readConfig({ ...good, MIO_CHECKPOINT: "dedup.marked:kill" })).toThrow(ConfigError);
  });

  it("refuses to claim partitions faster than owners can say that they live", () => {
    expect(() => readConfig({ ...good, MIO_OWNERSHIP_CLAIM_AFTER_MS: "3000" })).toThrow(/MIO_OWNERSHIP_CLAIM_AFTER_MS/);
  });

  it("reads a value from a file, as clusters mount secrets", async () => {
    const file = join(tmpdir(), `mio-dsn-${process.pid}`);
    await writeFile(file, `${good.MIO_POSTGRES_DSN}\n`);
    expect(readConfig({ MIO_NATS_URL: good.MIO_NATS_URL, MIO_POSTGRES_DSN_FILE: file }).postgresDsn).toBe(good.MIO_POSTGRES_DSN);
  });

  it("reads the keys of the directory, and asks for them only where admin runs", () => {
    const MIO_DIRECTORY_KEYS = `new:${testDirectoryKeys.slice(5)}, ${testDirectoryKeys}\n`;
    expect(readConfig({ ...good, MIO_DIRECTORY_KEYS }).directoryKeys.map(({ id }) => id)).toEqual(["new", "test"]);
    expect(readConfig({ ...good, MIO_SECRET_KEYS: testSecretKeys }, ["dedup", "sender"]).directoryKeys).toEqual([]);
    for (const MIO_ENV of ["local", "staging", "production"])
      expect(() => readConfig({ ...good, MIO_ENV }, ["dedup", "admin"])).toThrow(/^MIO_DIRECTORY_KEYS is not set; set it like/);
  });

  it("reads the keys of accounts' secrets, and asks for them only where admin or sender runs", () => {
    const keys = { MIO_DIRECTORY_KEYS: testDirectoryKeys };
    const ring = readConfig({ ...good, MIO_SECRET_KEYS: testSecretKeys }, ["sender"]).secretKeys;
    expect(ring.map(({ id }) => id)).toEqual(["secrets"]);
    expect(readConfig(good, ["dedup", "media-vault", "telemetry"]).secretKeys).toEqual([]);
    for (const service of ["admin", "sender"])
      expect(() => readConfig({ ...good, ...keys }, [service])).toThrow(/^MIO_SECRET_KEYS is not set; set it like/);
  });

  it("G11: refuses a key for secrets that every edge holds as the directory's, also under another id", () => {
    const [, bytes = ""] = testDirectoryKeys.split(":");
    for (const MIO_SECRET_KEYS of [testDirectoryKeys, `${testSecretKeys},other:${bytes}`]) {
      const read = () => readConfig({ ...good, MIO_DIRECTORY_KEYS: testDirectoryKeys, MIO_SECRET_KEYS }, ["admin"]);
      expect(read).toThrow(
        /^MIO_SECRET_KEYS and MIO_DIRECTORY_KEYS hold the same key \((test|other)\), and every edge has the latter/,
      );
      expect(read).not.toThrow(bytes);
    }
  });

  it("logs no secret", () => {
    const secrets = { MIO_NATS_PASSWORD: "hunter2", MIO_DIRECTORY_KEYS: testDirectoryKeys, MIO_SECRET_KEYS: testSecretKeys };
    const described = JSON.stringify(describeConfig(readConfig({ ...good, ...secrets })));
    expect(described).not.toMatch(/hunter2|:secret@|dGhl|YW5v/);
    expect(described).toContain('"directoryKeys":"set (test)"');
    expect(described).toContain('"secretKeys":"set (secrets)"');
    expect(described).toContain('"natsPassword":"set"');
  });

  it("logs no secret that stands within an address", () => {
    const config = readConfig({
      MIO_NATS_URL: "nats://core:hunter2@a:4222,hunter2@b:4222,tls://hunter2@c:4222",
      MIO_POSTGRES_DSN: "postgres://mio@db:5432/mio?password=hunter2&sslmode=require",
    });
    const described = describeConfig(config);
    expect(JSON.stringify(described)).not.toContain("hunter2");
    expect(described).toMatchObject({
      natsUrls: ["nats://core:set@a:4222", "nats://set@b:4222", "tls://set@c:4222"],
      postgresDsn: "postgres://mio@db:5432/mio?set",
    });
  });
});
