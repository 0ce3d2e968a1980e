// The spool in its file: order by shard, over restarts, and one process a folder.
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "./database.ts";
import { prepareSpools, SqliteSpool, spooledShards } from "./sqlite-spool.ts";

let folder: string;
let database: Database;
let spools: SqliteSpool[];
let rung: string[];

function open(): void {
  database = new Database(folder);
  prepareSpools(database);
}

function spoolOf(shard: string, nowMs = () => 1_000): SqliteSpool {
  const spool = new SqliteSpool({ database, shard, nowMs, ring: () => rung.push(shard) });
  spools.push(spool);
  return spool;
}

const message = (messageId: string, length = 3) => ({ messageId, subject: "s", body: new Uint8Array(length).fill(7) });

const one = { rows: 1, bytes: 1 };
const nothingAside = { asideRows: 0, asideBytes: 0 };

function drained(spool: SqliteSpool): string[] {
  const ids: string[] = [];
  for (let [row] = spool.oldest(one); row; [row] = spool.oldest(one)) {
    ids.push(row.messageId);
    spool.remove([row]);
  }
  return ids;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mio-edge-"));
  spools = [];
  rung = [];
  open();
});

afterEach(async () => {
  for (const spool of spools) spool.close();
  database.close();
  await rm(folder, { recursive: true });
});

describe("spool in a file", () => {
  it("lets others be heard between two writes, so that they share the next one", async () => {
    const spool = spoolOf("a");
    let heard = false;
    setImmediate(() => {
      heard = true;
    });
    await spool.append(message("a1"));
    expect(heard).toBe(true);
  });

  it("G4: keeps each shard's rows apart and in order, also over a restart", async () => {
    const [a, b] = [spoolOf("a"), spoolOf("b")];
    for (const id of ["1", "2", "3"]) {
      await a.append(message(`a${id}`));
      await b.append(message(`b${id}`));
    }
    database.close();
    open();
    expect(spooledShards(database)).toEqual(["a", "b"]);
    expect(drained(spoolOf("b"))).toEqual(["b1", "b2", "b3"]);
    expect(spooledShards(database)).toEqual(["a"]);
    expect(spoolOf("a").oldest(one)[0]).toMatchObject({ messageId: "a1", subject: "s", body: new Uint8Array(3).fill(7) });
    expect(drained(spoolOf("a"))).toEqual(["a1", "a2", "a3"]);
  });

  it("counts rows, bytes and the age of the oldest, and an earlier process's too", async () => {
    let nowMs = 1_000;
    const spool = spoolOf("a", () => nowMs);
    expect(spool.state).toEqual({ rows: 0, bytes: 0, oldestAtMs: undefined, ...nothingAside });
    await spool.append(message("1", 10));
    nowMs = 2_000;
    await spool.append(message("2", 20));
    expect(spool.state).toEqual({ rows: 2, bytes: 30, oldestAtMs: 1_000, ...nothingAside });
    expect(spoolOf("a").state).toEqual({ rows: 2, bytes: 30, oldestAtMs: 1_000, ...nothingAside });
    spool.remove(spool.oldest(one));
    expect(spool.state).toEqual({ rows: 1, bytes: 20, oldestAtMs: 2_000, ...nothingAside });
    drained(spool);
    expect(spool.state).toEqual({ rows: 0, bytes: 0, oldestAtMs: undefined, ...nothingAside });
  });

  it("never uses an id again, also after it was empty and the process started anew", async () => {
    const first = spoolOf("a");
    await first.append(message("1"));
    const before = first.oldest(one)[0]?.id ?? 0;
    drained(first);
    database.close();
    open();
    const second = spoolOf("a");
    await second.append(message("2"));
    expect(second.oldest(one)[0]?.id).toBeGreaterThan(before);
  });

  it("gives as many of the first rows as fit, always one, and removes just these", async () => {
    const [a, b] = [spoolOf("a"), spoolOf("b")];
    for (const [id, length] of [
      ["1", 100],
      ["2", 10],
      ["3", 10],
      ["4", 10],
    ] as const) {
      await a.append(message(`a${id}`, length));
      await b.append(message(`b${id}`, length));
    }
    const ids = (bounds: { rows: number; bytes: number }) => a.oldest(bounds).map(({ messageId }) => messageId);
    expect(ids({ rows: 9, bytes: 50 })).toEqual(["a1"]);
    expect(ids({ rows: 9, bytes: 120 })).toEqual(["a1", "a2", "a3"]);
    expect(ids({ rows: 2, bytes: 500 })).toEqual(["a1", "a2"]);
    a.remove(a.oldest({ rows: 3, bytes: 500 }));
    expect(a.state).toMatchObject({ rows: 1, bytes: 10 });
    expect(drained(a)).toEqual(["a4"]);
    expect(drained(b)).toEqual(["b1", "b2", "b3", "b4"]);
  });

  it("keeps what was set aside over a restart, and takes it back behind the others", async () => {
    const spool = spoolOf("a");
    for (const id of ["1", "2"]) await spool.append(message(id, 10));
    for (const row of spool.oldest(one)) spool.setAside(row, "too large");
    expect(spool.state).toEqual({ rows: 1, bytes: 10, asideRows: 1, asideBytes: 10, oldestAtMs: 1_000 });
    expect(drained(spool)).toEqual(["2"]);
    database.close();
    open();
    expect(spooledShards(database)).toEqual(["a"]);
    const later = spoolOf("a", () => 9_000);
    await later.append(message("3", 10));
    later.takeBack();
    expect(later.state).toEqual({ rows: 2, bytes: 20, ...nothingAside, oldestAtMs: 9_000 });
    expect(drained(later)).toEqual(["3", "1"]);
  });

  it("rings when armed, the last time counts, and not once it is closed", async () => {
    const spool = spoolOf("a", Date.now);
    await spool.arm(Date.now() + 3_600_000);
    await spool.arm(Date.now());
    const closed = spoolOf("b", Date.now);
    await closed.arm(Date.now());
    closed.close();
    await expect.poll(() => rung).toEqual(["a"]);
  });

  it("gives the disk back after an outage, in steps, also in a file of an earlier version", async () => {
    database.close();
    const path = join(folder, "edge.sqlite");
    await rm(path);
    // As the first version made it.
    const earlier = new DatabaseSync(path);
    earlier.exec("pragma journal_mode = wal");
    earlier.exec("create table filler (body blob)");
    earlier.close();
    open();
    const spool = spoolOf("a");
    const mebibyte = 1024 * 1024;
    const rows = 40;
    for (let index = 0; index < rows; index++) await spool.append(message(String(index), mebibyte));
    const bytesOf = async () =>
      (await Promise.all([path, `${path}-wal`].map((each) => stat(each)))).reduce((sum, { size }) => sum + size, 0);
    const full = await bytesOf();
    expect(full).toBeGreaterThan(rows * mebibyte);
    expect(drained(spool).length).toBe(rows);
    const before = database.freeBytes;
    database.shrink(mebibyte);
    expect(database.freeBytes).toBeLessThan(before);
    expect(database.freeBytes).toBeGreaterThan(before - 2 * mebibyte);
    while (database.freeBytes > 0) database.shrink(mebibyte);
    expect(await bytesOf()).toBeLessThan(mebibyte);
  });

  it("refuses a second process on its folder in one line, and lets it in once the first is gone", () => {
    expect(() => new Database(folder)).toThrow(`another process uses ${folder}; each needs a data folder of its own`);
    database.close();
    open();
  });

  it("says in one line that a folder cannot be used, or holds something else", async () => {
    const below = join(folder, "edge.sqlite", "data");
    expect(() => new Database(below)).toThrow(/^\S+data cannot hold the spool: [^\n]+$/);
    const other = join(folder, "other");
    await mkdir(other);
    await writeFile(join(other, "edge.sqlite"), "no database ".repeat(1_000));
    expect(() => new Database(other)).toThrow(/^\S+edge\.sqlite cannot hold the spool: [^\n]+$/);
  });
});
