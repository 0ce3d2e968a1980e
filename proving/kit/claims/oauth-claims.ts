// What a host of the edge claims of the way back from a consent page, with a core that a test plays on a real bus: what core is asked, what
// the person sees, and what nobody may see. Run by the test of each host.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OAuthCallback, OAuthAnswer_Outcome as Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { oauthQueue, oauthSubjects } from "@mio/shared/bus/names/subjects.ts";
import { decodeOAuthCallback, encodeOAuthAnswer } from "@mio/shared/bus/wire/oauth.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsConnection } from "../bus/client.ts";
import { connectTo } from "../bus/connection.ts";
import { type EdgeBus, edgeBus, operator } from "../edge/bus.ts";
import type { HostKind, TestHost } from "../edge/host.ts";
import { sampleChannel } from "../sample-channel/inbound.ts";
import { eventually } from "../time/eventually.ts";
import { type Wire, wireTo } from "../wire/wire.ts";

const path = "/oauth/sample-chat/callback";
const state = "s".repeat(43);
const code = "c0de-1.a/b+c=~";
const good = { state, code };

/** Registers the tests. */
export function oauthClaims(kind: HostKind): void {
  describe(`${kind.name}, when somebody comes back from a consent page`, () => registerTests(kind));
}

function registerTests(kind: HostKind): void {
  let bus: EdgeBus;
  let wire: Wire;
  let nats: NatsConnection;
  let host: TestHost;
  let dataDir: string;
  /** What core was asked, and what it says next; undefined says nothing. */
  let asked: OAuthCallback[];
  let says: Uint8Array | undefined;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mio-edge-"));
    bus = await edgeBus();
    wire = await wireTo(kind.carrier.portOf(bus.server));
    nats = await connectTo(bus.server.url, operator);
    asked = [];
    says = encodeOAuthAnswer({ outcome: Outcome.CONNECTED, workspaceName: "Zylker", tenantName: "Acme" });
    host = await kind.start({ dataDir, busUrl: kind.carrier.urlOf(wire.port) });
  });

  afterEach(async () => {
    await host?.stop();
    await nats?.close();
    await wire?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function playCore(): Promise<void> {
    nats.subscribe(oauthSubjects, {
      queue: oauthQueue,
      callback: (_, message) => {
        const decoded = decodeOAuthCallback(message.data);
        if (decoded.kind === "decoded") asked.push(decoded.value);
        if (says) message.respond(says);
      },
    });
    await nats.flush();
  }

  async function open(query: Record<string, string> | string, { method = "GET", at = path } = {}) {
    const text = typeof query === "string" ? query : String(new URLSearchParams(query));
    const response = await fetch(`${host.url}${at}?${text}`, { method, redirect: "manual" });
    const html = await response.text();
    const outcome = /<main data-outcome="([a-z_]+)">/.exec(html)?.[1];
    return { status: response.status, headers: response.headers, outcome, html };
  }

  it("tells core what matters of it and nothing else, and the person who is connected with whom", async () => {
    await playCore();
    const page = await open({ ...good, location: "eu", scope: "everything", session: "x" });
    expect(page).toMatchObject({ status: 200, outcome: "connected" });
    expect(page.html).toContain("The workspace “Zylker” is connected for “Acme”.");
    expect(asked).toMatchObject([
      { version: 1, channelType: sampleChannel, state, code, error: "", parameters: { location: "eu" }, region: "local" },
    ]);
    expect(asked[0]?.traceparent).toMatch(/^00-/);
  });

  it("has a page for every word of core, and each says what to do", async () => {
    await playCore();
    const expected: [Outcome, number, RegExp][] = [
      [Outcome.CONNECTED, 200, /close this page/],
      [Outcome.DENIED, 200, /You did not agree, so nothing was changed/],
      [Outcome.EXPIRED, 410, /expired.*ask whoever sent you the link/s],
      [Outcome.USED, 410, /already used.*ask whoever sent you the link/s],
      [Outcome.UNKNOWN, 404, /do not know this link/],
      [Outcome.IN_PROGRESS, 202, /reload this page/],
      [Outcome.UNAVAILABLE, 503, /reload this page/],
      [Outcome.REJECTED, 502, /platform refused/],
      [Outcome.TAKEN, 409, /belongs to an account already/],
      [Outcome.NOT_OFFERED, 404, /connects no workspaces/],
      [Outcome.UNSPECIFIED, 503, /may or may not/],
    ];
    expect(new Set(expected.map(([outcome]) => outcome))).toEqual(new Set(Object.values(Outcome)));
    for (const [outcome, status, text] of expected) {
      says = encodeOAuthAnswer({ outcome, workspaceName: "Zylker", tenantName: "Acme" });
      const page = await open(good);
      expect([outcome, page.status]).toEqual([outcome, status]);
      expect(page.html).toMatch(text);
      expect(page.html).toMatch(
        /^<!doctype html>\n<html lang="en">.*<meta name="viewport".*<title>[^<]+<\/title>.*<h1>[^<]+<\/h1>/s,
      );
      if (status === 503) expect(Number(page.headers.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  it("lets the page load, run, frame, keep and tell nothing, whatever people call their workspace", async () => {
    await playCore();
    const hostile = `</p><script>alert("1")</script><img src=x onerror='x'>&amp;\u202Eevil\u0000`;
    says = encodeOAuthAnswer({
      outcome: Outcome.CONNECTED,
      workspaceName: hostile,
      tenantName: `${hostile}${"𝒳".repeat(5_000)}`,
    });
    const { html, headers } = await open(good);
    const [, body = ""] = html.split("<body>");
    expect(body.replaceAll("\n", "").replace(/<\/?(body|html|main data-outcome="connected"|main|h1|p)>/g, "")).not.toMatch(
      /[<>"'\u202E\p{Cc}]/u,
    );
    expect(body).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;");
    expect(html.length).toBeLessThan(6_000);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /);
    expect(policy).toContain("frame-ancestors 'none'");
    const style = /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? "";
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style)));
    expect(policy).toContain(`'sha256-${Buffer.from(digest).toString("base64")}'`);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  });

  it("passes on that the person did not agree, and only a word that can be one", async () => {
    await playCore();
    says = encodeOAuthAnswer({ outcome: Outcome.DENIED });
    expect(await open({ state, error: "access_denied" })).toMatchObject({ status: 200, outcome: "denied" });
    await open({ state, error: "<b>a sentence</b>" });
    expect(asked.map(({ error, code: given }) => [error, given])).toEqual([
      ["access_denied", ""],
      ["unreadable", ""],
    ]);
  });

  it("asks core nothing for a link that cannot be one, and shows nothing of it", async () => {
    await playCore();
    const long = "x".repeat(100_000);
    const mark = "MARK";
    const damaged: [string, number][] = [
      ["", 404],
      [`code=${code}`, 404],
      [`state=${mark}&code=1`, 404],
      [`state=${state}%20&code=1`, 404],
      [`state=${"é".repeat(43)}&code=1`, 404],
      [`state=<script>${mark}</script>&code=1`, 404],
      [`state=%ff%fe${mark}&code=%zz`, 404],
      [`state=${state}`, 400],
      [`state=${state}&code=`, 400],
      [`state=${state}&code=${encodeURIComponent(`<script>${mark}</script> `)}`, 400],
      [`state=${state}&code=a%00${mark}`, 400],
      [`state=${state}&code=${encodeURIComponent("🙂")}`, 400],
      [`state=${state}&code=${"x".repeat(1_025)}`, 400],
      [`state=${state}&code=a&code=b`, 400],
      [`state=${state}&state=${state}&code=a`, 400],
      [`state=${state}&code=a&location=eu&location=us`, 400],
      [`state=${state}&code=a&x=${"x".repeat(4_096)}`, 400],
    ];
    for (const [query, status] of damaged) {
      const page = await open(query);
      expect([query, page.status]).toEqual([query, status]);
      expect(page.html).not.toContain(mark);
    }
    // Some servers refuse such a length before we see it.
    const tooLong = await open(`state=${state}&code=${long}`).then(
      ({ status }) => status,
      () => 431,
    );
    expect([400, 414, 431]).toContain(tooLong);
    expect(asked).toEqual([]);
  });

  it("uses nothing up for a link checker, nor for any other method", async () => {
    await playCore();
    for (const method of ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
      const page = await open(good, { method });
      expect([method, page.status, page.headers.get("allow")]).toEqual([method, 405, "GET"]);
    }
    expect(asked).toEqual([]);
    expect((await open(good)).status).toBe(200);
  });

  it("has no such page for a channel that it does not have", async () => {
    await playCore();
    for (const at of ["/oauth/fax/callback", `/oauth/${encodeURIComponent("<b>")}/callback`, "/oauth/%2e%2e/callback"])
      expect((await open(good, { at })).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it("says at once that nothing was changed when core is away, and when the bus is", async () => {
    expect(await open(good)).toMatchObject({ status: 503, outcome: "core_away" });
    await playCore();
    expect(await open(good)).toMatchObject({ status: 200, outcome: "connected" });
    wire.cut();
    await eventually("the host has seen that the bus is away", async () => {
      const { outcome, html } = await open(good);
      return outcome === "core_away" && html.includes("Nothing was changed");
    });
    wire.mend();
    await eventually("it is back", async () => (await open(good)).outcome === "connected");
  });

  it("promises nothing when core says nothing that it understands, or nothing at all", async () => {
    await playCore();
    for (const nonsense of [new Uint8Array(), new Uint8Array([255]), new Uint8Array([8, 2, 16, 1])]) {
      says = nonsense;
      expect(await open(good)).toMatchObject({ status: 503, outcome: "not_known_yet" });
    }
    says = undefined;
    const silent = await open(good);
    expect(silent).toMatchObject({ status: 503, outcome: "not_known_yet" });
    expect(silent.html).not.toContain("Nothing was changed");
  });

  it("writes one line to the log, with neither state nor code, and shows neither on a page", async () => {
    await playCore();
    const pages = [await open({ ...good, location: "secret-place" }), await open({ state, error: "access_denied" })];
    await eventually("both are logged", () => host.lines.filter((line) => line.includes("oauth_callback")).length === 2);
    const line = JSON.parse(host.lines.find((each) => each.includes("oauth_callback")) ?? "{}");
    expect(line).toMatchObject({ event: "oauth_callback", channel_type: sampleChannel, outcome: "connected", http_status: 200 });
    for (const text of [...host.lines, ...pages.map(({ html }) => html)])
      for (const secret of [state, code, encodeURIComponent(code), "secret-place"]) expect(text).not.toContain(secret);
    const health = await (await fetch(`${host.url}/health`)).json();
    expect(health.isolate[sampleChannel]).toMatchObject({ oauth_connected: 2 });
  });
}
