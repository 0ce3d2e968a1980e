// Nothing that was once published may break: not against the history that is at hand, not against the golden descriptors.
// The second half breaks copies on purpose, because a check that never fails proves nothing.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Baseline, findBaselines } from "./baselines.ts";
import { type BufResult, buf, protoDir } from "./buf.ts";
import { goldenDescriptors } from "./generate.ts";

const here = findBaselines(protoDir);
if (here.kind === "none") console.warn(`proto: compared with golden/descriptors.binpb only: ${here.reason}`);
const baselines =
  here.kind === "history" ? here.baselines.map((baseline) => ({ baseline, commit: baseline.commit.slice(0, 12) })) : [];

describe("the present .proto files", () => {
  it("break nothing in the golden descriptors", () => {
    expect(buf(["breaking", "--against", goldenDescriptors])).toEqual({ code: 0, output: "" });
  });

  it.each(baselines)("break nothing against commit $commit", ({ baseline }) => {
    expect(breakingAgainst(baseline, protoDir)).toEqual({ code: 0, output: "" });
  });

  it.each(baselines)("come with every golden envelope of commit $commit, unchanged", ({ baseline }) => {
    for (const [path, hash] of baseline.blobs("golden/")) {
      // The descriptors grow with the .proto files; what they lose, the tests above say.
      if (basename(path) === "descriptors.binpb") continue;
      expect(blobHash(join(protoDir, path)), `${path} was rewritten; add a new golden file instead`).toBe(hash);
    }
  });
});

type Edit = { what: string; file: string; from: string; to: string };

const messageFile = "mio/v1/message.proto";
const adminFile = "mio/admin/v1/admin.proto";
const edgeFile = "mio/edge/v1/edge.proto";

const breaks: Edit[] = [
  { what: "a field that is gone", file: messageFile, from: "  string text = 13;\n", to: "" },
  {
    what: "a field that is gone and reserved",
    file: messageFile,
    from: "string text = 13;",
    to: 'reserved 13;\n  reserved "text";',
  },
  { what: "another number", file: messageFile, from: "string text = 13;", to: "string text = 22;" },
  { what: "another name", file: messageFile, from: "string text = 13;", to: "string body = 13;" },
  { what: "another type", file: messageFile, from: "string text = 13;", to: "bytes text = 13;" },
  { what: "a list instead of a value", file: messageFile, from: "string text = 13;", to: "repeated string text = 13;" },
  { what: "a reserved number in use", file: messageFile, from: "reserved 18;", to: "string extra = 18;" },
  { what: "an enum value with another name", file: "mio/v1/enums.proto", from: "PEER_KIND_GROUP = 2", to: "PEER_KIND_MANY = 2" },
  {
    what: "an enum value with another number",
    file: "mio/v1/enums.proto",
    from: "PEER_KIND_GROUP = 2",
    to: "PEER_KIND_GROUP = 3",
  },
  {
    what: "a field that left its oneof",
    file: edgeFile,
    from: "LayoutClosed layout_closed = 16;\n  }",
    to: "}\nLayoutClosed layout_closed = 16;",
  },
  { what: "another package", file: edgeFile, from: "package mio.edge.v1;", to: "package mio.edge.v2;" },
  { what: "an RPC with another name", file: adminFile, from: "rpc GetTenant(", to: "rpc FetchTenant(" },
  {
    what: "an RPC that no longer streams",
    file: adminFile,
    from: "returns (stream TailMessagesResponse)",
    to: "returns (TailMessagesResponse)",
  },
  {
    what: "an RPC with another answer",
    file: adminFile,
    from: "returns (GetTenantResponse)",
    to: "returns (CreateTenantResponse)",
  },
];

const additions: Edit[] = [
  { what: "a new field", file: messageFile, from: "  EdgeInfo edge = 21;", to: "  EdgeInfo edge = 21;\n  string mood = 22;" },
  {
    what: "a new enum value",
    file: "mio/v1/enums.proto",
    from: "PEER_KIND_GROUP = 2;",
    to: "PEER_KIND_GROUP = 2;\n  PEER_KIND_BOT = 3;",
  },
  { what: "a new message", file: messageFile, from: "message EdgeInfo {", to: "message Extra {}\nmessage EdgeInfo {" },
  {
    what: "a new RPC",
    file: adminFile,
    from: "  rpc GetTenant(",
    to: "  rpc Ping(GetTenantRequest) returns (GetTenantResponse);\n  rpc GetTenant(",
  },
];

describe("the check", () => {
  it.each(breaks)("refuses $what", (edit) => {
    const { code, output } = checkEdited(edit);
    expect(output).toContain(basename(edit.file));
    expect(code).toBe(100);
  });

  it.each(additions)("accepts $what", (edit) => {
    expect(checkEdited(edit)).toEqual({ code: 0, output: "" });
  });
});

describe("baselines", () => {
  const broken: Edit = { what: "", file: messageFile, from: "  string text = 13;\n", to: "" };

  it("are found in a full clone, also when the break is already committed", () => {
    using temp = repository();
    edit(join(temp.path, "proto"), broken);
    git(temp.path, "commit", "--quiet", "--all", "--message=broken");
    const codes = historyIn(temp.path).map((baseline) => breakingAgainst(baseline, join(temp.path, "proto")).code);
    expect(codes).toEqual([0, 100]);
  });

  it("are found in a shallow clone of one commit", () => {
    using origin = repository();
    using temp = mkdtempDisposableSync(join(tmpdir(), "mio-shallow-"));
    git(temp.path, "clone", "--quiet", "--depth=1", `file://${origin.path}`, "clone");
    const clone = join(temp.path, "clone");
    const [baseline, ...others] = historyIn(clone);
    if (!baseline) throw new Error("found no baseline");
    expect(others).toEqual([]);
    expect(breakingAgainst(baseline, join(clone, "proto")).code).toBe(0);
    edit(join(clone, "proto"), broken);
    expect(breakingAgainst(baseline, join(clone, "proto")).code).toBe(100);
  });

  it("know what the files of the room held", () => {
    using temp = repository();
    const path = join(temp.path, "proto", messageFile);
    const [baseline] = historyIn(temp.path);
    expect(baseline?.read(messageFile)).toBe(readFileSync(path, "utf8"));
    expect(baseline?.blobs("mio/").get(messageFile)).toBe(blobHash(path));
    expect(baseline?.blobs("golden/").size).toBe(0);
  });

  it("take the point where a branch left main, not what main added since", () => {
    using temp = repository();
    git(temp.path, "switch", "--quiet", "--create=feature");
    git(temp.path, "switch", "--quiet", "main");
    for (const addition of additions.slice(0, 1)) edit(join(temp.path, "proto"), addition);
    git(temp.path, "commit", "--quiet", "--all", "--message=more");
    git(temp.path, "switch", "--quiet", "feature");
    expect(historyIn(temp.path).map((baseline) => breakingAgainst(baseline, join(temp.path, "proto")).code)).toEqual([0]);
  });

  it("are missing in a copied tree, with a reason", () => {
    using temp = mkdtempDisposableSync(join(tmpdir(), "mio-copied-"));
    copyRoom(join(temp.path, "proto"));
    expect(findBaselines(join(temp.path, "proto"))).toMatchObject({
      kind: "none",
      reason: expect.stringContaining("no git history"),
    });
  });

  it("are missing in a repository that has no .proto files yet, with a reason", () => {
    using temp = mkdtempDisposableSync(join(tmpdir(), "mio-empty-"));
    git(temp.path, "init", "--quiet", "--initial-branch=main");
    copyRoom(join(temp.path, "proto"));
    expect(findBaselines(join(temp.path, "proto"))).toMatchObject({ kind: "none", reason: expect.stringContaining("no commit") });
  });
});

function breakingAgainst(baseline: Baseline, dir: string): BufResult {
  using temp = mkdtempDisposableSync(join(tmpdir(), "mio-baseline-"));
  const archive = join(temp.path, "proto.tar");
  baseline.archive(archive);
  return buf(["breaking", "--against", archive], dir);
}

/** Edits a copy of the room, and compares that with the golden descriptors. */
function checkEdited(change: Edit): BufResult {
  using temp = mkdtempDisposableSync(join(tmpdir(), "mio-edited-"));
  copyRoom(temp.path);
  edit(temp.path, change);
  return buf(["breaking", "--against", goldenDescriptors], temp.path);
}

function copyRoom(to: string): void {
  for (const name of ["mio", "buf.yaml"]) cpSync(join(protoDir, name), join(to, name), { recursive: true });
}

function edit(room: string, { file, from, to }: Edit): void {
  const path = join(room, file);
  const before = readFileSync(path, "utf8");
  if (before.split(from).length !== 2) throw new Error(`${file} does not have ${JSON.stringify(from)} exactly once`);
  writeFileSync(path, before.replace(from, to));
}

function historyIn(repositoryDir: string): Baseline[] {
  const found = findBaselines(join(repositoryDir, "proto"));
  if (found.kind === "none") throw new Error(`no baselines: ${found.reason}`);
  return found.baselines;
}

/** A repository with one commit, which has the room in the place where this one has it. */
function repository(): ReturnType<typeof mkdtempDisposableSync> {
  const temp = mkdtempDisposableSync(join(tmpdir(), "mio-repository-"));
  copyRoom(join(temp.path, "proto"));
  git(temp.path, "init", "--quiet", "--initial-branch=main");
  git(temp.path, "add", ".");
  git(temp.path, "commit", "--quiet", "--message=first");
  return temp;
}

function git(cwd: string, ...args: string[]): void {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  execFileSync("git", [...identity, ...args], { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
}

/** The hash under which git keeps this content. */
function blobHash(path: string): string {
  const content = readFileSync(path);
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
