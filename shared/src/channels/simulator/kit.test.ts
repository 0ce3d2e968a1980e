import { type TestHost, testHost } from "@mio/proving/kit/channels/simulator-host.ts";
import { samplePlatform } from "@mio/proving/kit/sample-channel/simulator.ts";
import { afterEach, describe, expect, it } from "vitest";
import type { Simulator } from "../contract/simulator.ts";
import { createSimulator } from "./kit.ts";
import type { SimulatedPlatform } from "./platform.ts";
import { messagesPerConversationMax } from "./state/world.ts";

const open: Simulator[] = [];
afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.close();
});

async function start(test: TestHost = testHost(), platform: SimulatedPlatform = samplePlatform) {
  const simulator = await createSimulator(platform, test.host);
  open.push(simulator);
  const control = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await simulator.fetch(new Request(`http://simulator/_control/${path}`, init));
    return { status: response.status, body: await response.json() };
  };
  const send = (text: string, signal?: AbortSignal) =>
    simulator.fetch(
      new Request("http://simulator/send", {
        method: "POST",
        body: new URLSearchParams({ chat: "general", text }),
        ...(signal ? { signal } : {}),
      }),
    );
  return { ...test, simulator, control, send };
}

async function started(test?: TestHost, platform?: SimulatedPlatform) {
  const running = await start(test, platform);
  const app = await running.control("POST", "apps", { name: "bot", webhook_url: "http://app/hook" });
  return { ...running, app: app.body };
}

const hello = { conversation: "general", user: "ann", text: "hello" };

describe("acting as a person", () => {
  it("posts, edits, deletes and reads back what people see", async () => {
    const { control } = await started();
    const first = await control("POST", "messages", { ...hello, wait: true });
    expect(first.body).toMatchObject({ id: "1", delivery: { status: 200 } });
    await control("POST", "messages", { ...hello, text: "second", reply_to: "1", thread: "1" });
    await control("PUT", "messages/1", { conversation: "general", text: "hello!" });
    const seen = await control("GET", "conversations/general");
    expect(seen.body.messages).toMatchObject([
      { id: "1", author: "ann", bot: false, text: "hello!", edits: [{ text: "hello" }] },
      { id: "2", text: "second", reply_to: "1", thread: "1", edits: [] },
    ]);
    await control("DELETE", "messages/1", { conversation: "general" });
    expect((await control("GET", `conversations/${first.body.conversation}`)).body.messages).toHaveLength(1);
  });

  it("gives the same app for the same name and tells a new URL", async () => {
    const { control, app } = await started();
    const again = await control("POST", "apps", { name: "bot", webhook_url: "http://other" });
    expect(again.body).toEqual(app);
    expect((await control("GET", "apps")).body).toEqual([app]);
  });

  it("needs app_id only while several apps are installed", async () => {
    const { control, app } = await started();
    await control("POST", "apps", { name: "second", webhook_url: "" });
    expect(await control("POST", "messages", hello)).toMatchObject({ status: 400 });
    expect(await control("POST", "messages", { ...hello, app_id: app.appId })).toMatchObject({ status: 200 });
  });

  it("answers 4xx with a reason to whatever is wrong", async () => {
    const { control, simulator } = await started();
    for (const [method, path, body] of [
      ["POST", "messages", { ...hello, text: 1 }],
      ["POST", "messages", { ...hello, conversation: "" }],
      ["POST", "messages", { ...hello, app_id: "A404" }],
      ["POST", "messages", []],
      ["POST", "messages", null],
      ["PUT", "messages/404", { conversation: "general", text: "x" }],
      ["GET", "conversations/nowhere", undefined],
      ["GET", "conversations/%zz", undefined],
      ["POST", "faults", { kind: "earthquake", count: 1 }],
      ["POST", "faults", { kind: "webhook_late", count: 0 }],
      ["GET", "nothing", undefined],
      ["GET", "conversations/a/b", undefined],
    ] as const) {
      const answer = await control(method, path, body);
      expect(answer.status, `${method} ${path} ${JSON.stringify(body)}`).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body.error).toBeTypeOf("string");
    }
    const notJson = await simulator.fetch(new Request("http://simulator/_control/messages", { method: "POST", body: "{" }));
    expect(notJson.status).toBe(400);
  });
});

describe("webhooks", () => {
  it("are tried again on the platform's schedule, with the text of the event and not of now", async () => {
    const test = await started();
    test.answers.push(500, "hang", 200);
    await test.control("POST", "messages", hello);
    await test.control("PUT", "messages/1", { conversation: "general", text: "later" });
    await test.clock.advance(70_000);
    const first = test.received.filter((each) => each.body.includes('"posted"'));
    expect(first.map((each) => JSON.parse(each.body).text)).toEqual(["hello", "hello"]);
    const log = await test.control("GET", "deliveries?conversation=general");
    expect(log.body).toMatchObject([
      { kind: "posted", done: true, attempts: [{ status: 500 }, { status: 200 }] },
      { kind: "edited", done: true, attempts: [{ status: 0, duration_ms: 3_000 }, { status: 200 }] },
    ]);
  });

  it("end with the schedule", async () => {
    const test = await started();
    test.answers.push(500, 500, 500, 500);
    await test.control("POST", "messages", hello);
    await test.clock.advance(600_000);
    expect(test.received.map((each) => each.at)).toEqual([0, 1_000, 61_000]);
    expect((await test.control("GET", "deliveries")).body).toMatchObject([{ done: true }]);
  });

  it("repeat the last wait for as long as the platform does", async () => {
    const retry = { timeoutMs: 3_000, delaysMs: [1_000], repeatForMs: 5_000 };
    const test = await started(undefined, { ...samplePlatform, retry });
    test.answers.push(...Array<number>(20).fill(500));
    await test.control("POST", "messages", hello);
    await test.clock.advance(600_000);
    expect(test.received.map((each) => each.at)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it("are not tried again when the app forbids it", async () => {
    const test = await started();
    test.answers.push("no-retry");
    await test.control("POST", "messages", hello);
    await test.clock.advance(600_000);
    expect(test.received).toHaveLength(1);
  });

  it("wait for each other where the platform keeps a line for each conversation", async () => {
    const test = await started(undefined, { ...samplePlatform, order: "conversation" });
    test.answers.push(500);
    await test.control("POST", "messages", hello);
    await test.control("POST", "messages", { ...hello, text: "second" });
    await test.control("POST", "messages", { ...hello, conversation: "other", text: "elsewhere" });
    await test.clock.advance(2_000);
    expect(test.received.map((each) => JSON.parse(each.body).text)).toEqual(["hello", "elsewhere", "hello", "second"]);
  });

  it("that are owed survive a restart, with their attempts", async () => {
    const test = await started();
    test.answers.push(500, 500);
    await test.control("POST", "messages", hello);
    await test.clock.advance(2_000);
    await test.simulator.close();
    open.splice(0);
    const state = test.saved.at(-1) ?? "";
    const second = testHost(state);
    const again = await start(second);
    await second.clock.advance(70_000);
    expect(second.received).toMatchObject([{ headers: { "x-attempt": "2" } }]);
    expect(JSON.parse(second.received[0]?.body ?? "")).toMatchObject({ event: "E1", text: "hello" });
    expect((await again.control("GET", "conversations/general")).body.messages).toHaveLength(1);
    expect((await again.control("POST", "messages", hello)).body.id).toBe("2");
  });

  it("can be ordered once more, also after a restart", async () => {
    const test = await started();
    await test.control("POST", "messages", { ...hello, wait: true });
    await test.simulator.close();
    open.splice(0);
    const second = testHost(test.saved.at(-1));
    const { control } = await start(second);
    const answer = await control("POST", "redeliver", { conversation: "general", id: "1", wait: true });
    expect(answer.body).toMatchObject({ id: "1", delivery: { status: 200 } });
    expect(second.received[0]?.body).toBe(test.received[0]?.body);
  });
});

describe("an app's calls", () => {
  it("are logged in order of arrival, echoed where the platform does, and limited", async () => {
    const test = await started();
    for (const text of ["1", "2", "3", "4"]) await test.send(text);
    const log = await test.control("GET", "requests");
    expect(log.body.map((each: { status: number }) => each.status)).toEqual([200, 200, 200, 429]);
    expect(log.body[3]).toMatchObject({ method: "send", error: "slow" });
    await test.clock.advance(1_000);
    expect((await test.send("5")).status).toBe(200);
    expect(test.received).toHaveLength(4);
  });

  it("go at the rate that the installation asked for", async () => {
    const test = await started();
    await test.control("POST", "apps", { name: "bot", webhook_url: "", rate: { per_second: 1, burst: 1 } });
    const statuses = [await test.send("1"), await test.send("2")].map((response) => response.status);
    expect(statuses).toEqual([200, 429]);
  });

  it("are carried out when the answer is lost, and hang until the caller gives up", async () => {
    const test = await started();
    await test.control("POST", "faults", { kind: "answer_lost", count: 1 });
    const caller = new AbortController();
    let answered = false;
    const sent = test.send("lost", caller.signal).finally(() => {
      answered = true;
    });
    await test.clock.advance(100_000);
    expect(answered).toBe(false);
    caller.abort();
    await sent;
    expect((await test.control("GET", "conversations/general")).body.messages).toMatchObject([{ text: "lost", bot: true }]);
    expect((await test.control("GET", "requests")).body).toMatchObject([{ status: 0 }]);
  });

  it("are spoilt as ordered, and then no more", async () => {
    const test = await started();
    await test.control("POST", "faults", { kind: "unavailable", count: 1 });
    await test.control("POST", "faults", { kind: "rate_limited", count: 1, ms: 7_000, method: "send" });
    await test.control("POST", "faults", { kind: "unavailable", count: 1, method: "other" });
    const limited = await test.send("x");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
    expect((await test.send("x")).status).toBe(503);
    expect((await test.send("x")).status).toBe(200);
    expect((await test.control("GET", "faults")).body).toHaveLength(1);
    await test.control("DELETE", "faults");
    expect((await test.control("GET", "faults")).body).toEqual([]);
    expect((await test.control("GET", "conversations/general")).body.messages).toHaveLength(1);
  });
});

describe("what is not hers", () => {
  it("a person can neither edit nor delete", async () => {
    const { control, send } = await started();
    await send("the app's");
    await control("POST", "messages", hello);
    await control("DELETE", "messages/2", { conversation: "general" });
    for (const [id, status] of [
      ["1", 403],
      ["2", 404],
    ] as const) {
      expect(await control("PUT", `messages/${id}`, { conversation: "general", text: "x" })).toMatchObject({ status });
      expect(await control("DELETE", `messages/${id}`, { conversation: "general" })).toMatchObject({ status });
    }
  });
});

describe("webhook faults", () => {
  it("send twice, and late", async () => {
    const test = await started();
    await test.control("POST", "faults", { kind: "webhook_twice", count: 1 });
    await test.control("POST", "faults", { kind: "webhook_late", count: 1, ms: 5_000 });
    await test.control("POST", "messages", hello);
    await test.clock.advance(4_999);
    expect(test.received).toHaveLength(0);
    await test.clock.advance(1);
    expect(test.received).toHaveLength(2);
  });
});

describe("limits", () => {
  it("keeps a bounded number of messages and saves together what changes together", async () => {
    const test = await started(undefined, { ...samplePlatform, echoesOwnPosts: false });
    const posts = messagesPerConversationMax + 600;
    for (let index = 0; index < posts; index += 1) await test.control("POST", "messages", { ...hello, text: `${index}` });
    await test.clock.advance(1_000);
    expect(test.saved.length).toBeLessThan(4);
    const seen = (await test.control("GET", "conversations/general")).body.messages;
    expect(seen.length).toBeLessThanOrEqual(messagesPerConversationMax * 1.25);
    expect(seen.at(-1).text).toBe(String(posts - 1));
  });

  it("refuses to start with a state that is not one", async () => {
    for (const state of ["{", "[]", '{"version":2}'])
      await expect(createSimulator(samplePlatform, testHost(state).host)).rejects.toThrow();
  });
});
