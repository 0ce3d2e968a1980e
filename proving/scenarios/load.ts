// The driver: a steady rate of webhooks over many conversations. In each the next message is written only after the 2xx for the last one,
// and a webhook without a 2xx is repeated, as a platform does; so the order of every conversation is known (G4).
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@mio/shared/random.ts";
import { type Sent, textOf } from "../judge/check.ts";
import type { Posted, WebhookAnswer } from "../stand/simulator-client.ts";

/** Where messages are written: a simulator's client, or in tests something smaller. */
export interface Platform {
  channelType: string;
  post(message: { conversation: string; user: string; text: string }): Promise<Posted>;
  redeliver(message: { conversation: string; id: string }): Promise<Posted>;
}

export interface LoadOptions {
  platforms: readonly Platform[];
  /** Over all platforms; they are spread evenly. */
  conversations: number;
  /** Messages a second over all conversations. */
  rate: number;
  /** A first word of every conversation's name, so that runs do not meet. */
  prefix: string;
  random: Random;
}

/** One message of the run, with how its webhook fared. */
export interface LoadedMessage extends Sent {
  channelType: string;
  /** The platform's id; empty while the platform itself has not answered. */
  id: string;
  answers: WebhookAnswer[];
  /** From the first attempt to the 2xx. */
  untilAcknowledgedMs: number | undefined;
}

export interface LoadReport {
  messages: readonly LoadedMessage[];
  webhooks: number;
  /** The slowest single answer, whatever it was. */
  slowestMs: number;
  /** Answered with something else than 2xx, and repeated. */
  refused: number;
  /** Not answered at all: nobody listened, or no answer came. Repeated too. */
  unanswered: number;
  /** The longest that one message needed until its 2xx, repeats included. */
  slowestUntilAcknowledgedMs: number;
}

export interface Load {
  report(): LoadReport;
  /** Writes nothing new; what is not acknowledged is repeated until it is, or until `withinMs` has passed. */
  stop(withinMs?: number): Promise<LoadReport>;
}

/** The pause before a repeat; a platform would take its time, and a run has little. */
const repeatAfterMs = 400;

export function startLoad(options: LoadOptions): Load {
  const stopping = new AbortController();
  const givenUp = new AbortController();
  const messages: LoadedMessage[] = [];
  const everyMs = (1000 * options.conversations) / options.rate;
  const lanes = Array.from({ length: options.conversations }, (_, index) => {
    const platform = options.platforms[index % options.platforms.length];
    if (!platform) throw new Error("a load needs a platform");
    const conversation = `${options.prefix}-${platform.channelType.replaceAll("_", "-")}-${index}`;
    const user = `user-${Math.floor(options.random.next() * 1_000)}`;
    return converse(platform, conversation, user, options.random.next() * everyMs);
  });
  const ended = Promise.all(lanes);
  // Reported by stop(); until then a failed lane must not end the process.
  ended.catch(() => undefined);

  /** One conversation from its first message to its last. */
  async function converse(platform: Platform, conversation: string, user: string, firstAfterMs: number): Promise<void> {
    let dueMs = performance.now() + firstAfterMs;
    for (let k = 1; ; k += 1) {
      if (!(await pause(dueMs - performance.now(), stopping.signal))) return;
      const message: LoadedMessage = {
        channelType: platform.channelType,
        conversation,
        k,
        acknowledged: false,
        id: "",
        answers: [],
        untilAcknowledgedMs: undefined,
      };
      messages.push(message);
      await deliver(platform, message, user);
      if (!message.acknowledged) return;
      // Late ones are not caught up with: a burst after an outage would be another load than the one that was asked for.
      dueMs = Math.max(dueMs + everyMs, performance.now());
    }
  }

  async function deliver(platform: Platform, message: LoadedMessage, user: string): Promise<void> {
    const { conversation, k } = message;
    const startMs = performance.now();
    let posted = await platform.post({ conversation, user, text: textOf(conversation, k) });
    message.id = posted.id;
    for (;;) {
      message.answers.push(posted.answer);
      if (posted.answer.status >= 200 && posted.answer.status < 300) break;
      if (!(await pause(repeatAfterMs, givenUp.signal))) return;
      posted = await platform.redeliver({ conversation, id: message.id });
    }
    message.untilAcknowledgedMs = performance.now() - startMs;
    message.acknowledged = true;
  }

  return {
    report: () => reportOf(messages),
    async stop(withinMs = 60_000) {
      stopping.abort();
      const timer = setTimeout(() => givenUp.abort(), withinMs);
      await ended.finally(() => clearTimeout(timer));
      return reportOf(messages);
    },
  };
}

function reportOf(messages: readonly LoadedMessage[]): LoadReport {
  const answers = messages.flatMap((message) => message.answers);
  return {
    messages,
    webhooks: answers.length,
    slowestMs: greatest(answers.map((answer) => answer.durationMs)),
    refused: answers.filter((answer) => answer.status !== 0 && (answer.status < 200 || answer.status > 299)).length,
    unanswered: answers.filter((answer) => answer.status === 0).length,
    slowestUntilAcknowledgedMs: Math.round(greatest(messages.map((message) => message.untilAcknowledgedMs ?? 0))),
  };
}

function greatest(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

/** False when the signal came first. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (ms <= 0) return true;
  return sleep(ms, true, { signal }).catch(() => false);
}
