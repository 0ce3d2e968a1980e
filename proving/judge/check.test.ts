import { describe, expect, it } from "vitest";
import { joinJudgements, judge, judgeAnswers, readText, type Seen, type Sent, textOf } from "./check.ts";

const conversations = ["slack-0", "slack-1", "telegram-0"];
const sent: Sent[] = conversations.flatMap((conversation) =>
  [1, 2, 3, 4, 5].map((k) => ({ conversation, k, acknowledged: true })),
);
/** All of them, conversations taking turns, as a stream would hold them. */
const stream: Seen[] = [1, 2, 3, 4, 5].flatMap((k) =>
  conversations.map((conversation, index) => ({
    sequence: 100 + (k - 1) * conversations.length + index,
    text: textOf(conversation, k),
    accountId: conversation.split("-")[0] ?? "",
    conversationExternalId: conversation,
    sourceMessageId: `${conversation}.${k}`,
  })),
);
const nothing = { lost: [], doubled: [], outOfOrder: [], unknown: [] };
const indexOf = (text: string) => stream.findIndex((each) => each.text === text);

describe("the judge", () => {
  it("finds nothing where nothing is wrong", () => {
    expect(judge(sent, stream)).toEqual(nothing);
  });

  it("finds each single lost message", () => {
    for (const each of stream) {
      const without = stream.filter((other) => other !== each);
      expect(judge(sent, without)).toEqual({ ...nothing, lost: [each.text] });
    }
  });

  it("finds each single doubled message, wherever the second stands, and does not call it reordered", () => {
    for (const each of stream) {
      for (let at = stream.indexOf(each) + 1; at <= stream.length; at += 1) {
        const withTwo = [...stream.slice(0, at), { ...each, sequence: 999 }, ...stream.slice(at)];
        const found = judge(sent, withTwo);
        expect(found.doubled).toEqual([`${each.text} at ${each.sequence} and 999`]);
        expect({ ...found, doubled: [] }).toEqual(nothing);
      }
    }
  });

  it("finds one event under two texts doubled", () => {
    const first = stream[0];
    if (!first) throw new Error("the stream is empty");
    const changed = stream.map((each, index) => (index === 3 ? { ...each, sourceMessageId: first.sourceMessageId } : each));
    expect(judge(sent, changed).doubled).toHaveLength(1);
  });

  it("finds two neighbours of a conversation exchanged", () => {
    for (const conversation of conversations) {
      for (const k of [1, 2, 3, 4]) {
        const [a, b] = [indexOf(textOf(conversation, k)), indexOf(textOf(conversation, k + 1))];
        const exchanged = [...stream];
        [exchanged[a], exchanged[b]] = [stream[b] ?? fail(), stream[a] ?? fail()];
        const found = judge(sent, exchanged);
        expect(found.outOfOrder).toHaveLength(1);
        expect(found.outOfOrder[0]).toContain(textOf(conversation, k));
        expect({ ...found, outOfOrder: [] }).toEqual(nothing);
      }
    }
  });

  it("allows conversations in any order beside each other", () => {
    const grouped = conversations.flatMap((conversation) => stream.filter((each) => each.text.includes(conversation)));
    expect(judge(sent, grouped)).toEqual(nothing);
  });

  it("finds what nobody wrote", () => {
    const stranger = { sequence: 7, text: "n:slack-9:1", accountId: "x", conversationExternalId: "c", sourceMessageId: "y" };
    const other = { sequence: 8, text: "hello", accountId: "x", conversationExternalId: "c", sourceMessageId: "z" };
    expect(judge(sent, [...stream, stranger, other]).unknown).toEqual(["n:slack-9:1 at 7", "a message of another form at 8"]);
  });

  it("lets a message without a 2xx be there once or not at all, but not twice", () => {
    const last = { conversation: "slack-0", k: 6, acknowledged: false };
    const seen = {
      sequence: 200,
      text: textOf("slack-0", 6),
      accountId: "slack",
      conversationExternalId: "c",
      sourceMessageId: "slack-0.6",
    };
    expect(judge([...sent, last], stream)).toEqual(nothing);
    expect(judge([...sent, last], [...stream, seen])).toEqual(nothing);
    expect(judge([...sent, last], [...stream, seen, { ...seen, sequence: 201 }]).doubled).toHaveLength(1);
  });

  it("says on which stream it found something", () => {
    const joined = joinJudgements({ inbound: judge(sent, stream), enriched: judge(sent, stream.slice(1)) });
    expect(joined).toEqual({ ...nothing, lost: ["enriched: n:slack-0:1"] });
  });

  it("reads a text inside other words", () => {
    expect(readText('You said: "n:slack-0:12". Good.')).toEqual({ conversation: "slack-0", k: 12 });
    expect(readText("hello")).toBeUndefined();
  });

  it("finds questions that are answered twice or never", () => {
    const questions = sent.filter((each) => each.conversation === "slack-0" && each.k <= 3);
    const botTexts = ['About "n:slack-0:1": yes', 'About "n:slack-0:3": yes', 'About "n:slack-0:3": yes', "thinking…"];
    expect(judgeAnswers(questions, [{ conversation: "slack-0", botTexts }])).toEqual({
      doubled: ["n:slack-0:3"],
      missing: ["n:slack-0:2"],
    });
  });
});

function fail(): never {
  throw new Error("the stream is shorter than the test thinks");
}

describe("G4 between requests that may overlap", () => {
  /** Each with when its first request went out and when its 2xx came. */
  const overlapping = (...times: readonly (readonly [number, number | undefined])[]): Sent[] =>
    times.map(([firstRequestMs, acknowledgedMs], index) => ({
      conversation: "slack-0",
      k: index + 1,
      acknowledged: acknowledgedMs !== undefined,
      times: { firstRequestMs, acknowledgedMs },
    }));
  const standing = (...ks: readonly number[]): Seen[] =>
    ks.map((k, index) => ({
      sequence: index + 1,
      text: textOf("slack-0", k),
      accountId: "slack",
      conversationExternalId: "slack-0",
      sourceMessageId: `slack-0.${k}`,
    }));

  it("allows any order of requests that overlap", () => {
    const sentTogether = overlapping([0, 10], [5, 15], [9, 12]);
    for (const order of [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ])
      expect(judge(sentTogether, standing(...order))).toEqual(nothing);
  });

  it("finds the one that was acknowledged before the other was sent, also with others between", () => {
    // 2 overlaps with both; 3 went out after the 2xx for 1.
    const chain = overlapping([0, 10], [5, 25], [20, 30]);
    expect(judge(chain, standing(1, 2, 3))).toEqual(nothing);
    expect(judge(chain, standing(2, 1, 3))).toEqual(nothing);
    expect(judge(chain, standing(3, 2, 1)).outOfOrder).toEqual(["n:slack-0:1 at 3, after 3 at 1"]);
    expect(judge(chain, standing(3, 1, 2)).outOfOrder).toHaveLength(1);
    expect(judge(chain, standing(2, 3, 1)).outOfOrder).toHaveLength(1);
  });

  it("asks no order of what was never acknowledged", () => {
    expect(judge(overlapping([0, undefined], [20, 30]), standing(2, 1))).toEqual(nothing);
  });

  it("counts the first request of one that was repeated", () => {
    // 2 first went out before the 2xx for 1; only its repeat came after.
    expect(judge(overlapping([0, 10], [5, 50]), standing(2, 1))).toEqual(nothing);
  });
});
