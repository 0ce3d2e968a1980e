// Whose turn is it? One decision from what is known, without I/O and without a clock: accounts take turns, a lane (a conversation) has one
// command in hand at a time and in order, and nothing starts that its account has no budget for. Waiting costs a command nothing.
import type { Budget } from "./budget.ts";
import { createDueHeap, type DueHeap } from "./due-heap.ts";

export interface Command {
  id: string;
  accountId: string;
  /** Commands of one lane are carried out in the order in which they were added. */
  lane: string;
  /** What an edit is about, or empty. */
  editOf: string;
  dueMs: number;
  expiresMs: number | undefined;
  /** Left in its call by an owner that is gone; due when that call has certainly ended. */
  interrupted: boolean;
}

export type Step =
  /** Make the call. It has been admitted to this budget, and must take its token or release it. */
  | { kind: "start"; command: Command; budget: Budget | undefined }
  /** Find out what became of a call that somebody else began. */
  | { kind: "recover"; command: Command }
  | { kind: "expire"; command: Command }
  /** A later edit of the same message waits right behind: this one need not be shown. */
  | { kind: "supersede"; command: Command; by: Command }
  /** Nothing to do before this time, unless something is added or comes back. */
  | { kind: "idle"; untilMs: number };

export interface Schedule {
  /** At the end of its lane. */
  add(command: Command): void;
  /** The next thing to do. What it names is in hand, its lane closed, until `ended` or `again`. */
  next(nowMs: number): Step;
  /** It has left its lane for good, in hand or not. */
  ended(id: string): void;
  /** It stays at the head of its lane, and is due then. */
  again(id: string, dueMs: number): void;
  laneSize(lane: string): number;
  /** The command under this id, while it is in memory. */
  get(id: string): Command | undefined;
  /** In memory, per account. */
  sizes(): Map<string, number>;
  inHand(): number;
}

interface ScheduleOptions {
  /** Undefined: this account's commands need no budget, because nothing will be called for them. */
  budgetOf: (accountId: string) => Budget | undefined;
  callsMax: number;
  /** So that one slow platform cannot hold all calls. */
  callsPerAccountMax: number;
}

interface Lane {
  key: string;
  commands: Command[];
  busy: boolean;
  /** Stands in its account's `ready`. */
  ready: boolean;
}

interface AccountTurn {
  id: string;
  ready: Lane[];
  waiting: DueHeap<Lane>;
  lanes: number;
  calls: number;
}

/** A command in its place. */
interface Placed {
  command: Command;
  lane: Lane;
  account: AccountTurn;
  /** Counts as one of the calls. */
  calling: boolean;
}

interface State {
  readonly options: ScheduleOptions;
  readonly accounts: Map<string, AccountTurn>;
  /** Round robin: the account that had a turn goes to the end. */
  turns: AccountTurn[];
  readonly lanes: Map<string, Lane>;
  readonly commands: Map<string, Placed>;
  calls: number;
  inHand: number;
}

/** Never has two commands of one lane in hand. Does no I/O, and gets the time as a parameter. */
export function createSchedule(options: ScheduleOptions): Schedule {
  const state: State = {
    options,
    accounts: new Map(),
    turns: [],
    lanes: new Map(),
    commands: new Map(),
    calls: 0,
    inHand: 0,
  };
  return {
    add: (command) => add(state, command),
    next: (nowMs) => next(state, nowMs),
    ended: (id) => ended(state, id),
    again: (id, dueMs) => again(state, id, dueMs),
    get: (id) => state.commands.get(id)?.command,
    laneSize: (lane) => state.lanes.get(lane)?.commands.length ?? 0,
    sizes: () => sizesOf(state),
    inHand: () => state.inHand,
  };
}

function add(state: State, command: Command): void {
  if (state.commands.has(command.id)) return;
  const account = accountOf(state, command.accountId);
  let lane = state.lanes.get(command.lane);
  if (lane === undefined) {
    lane = { key: command.lane, commands: [], busy: false, ready: false };
    state.lanes.set(command.lane, lane);
    account.lanes += 1;
  }
  lane.commands.push(command);
  state.commands.set(command.id, { command, lane, account, calling: false });
  if (lane.commands.length === 1) rest(account, lane);
}

function next(state: State, nowMs: number): Step {
  let untilMs = Number.POSITIVE_INFINITY;
  for (const [index, account] of state.turns.entries()) {
    const step = stepOf(state, account, nowMs);
    if (step.kind === "idle") {
      untilMs = Math.min(untilMs, step.untilMs);
      continue;
    }
    state.turns.splice(index, 1);
    state.turns.push(account);
    return step;
  }
  return { kind: "idle", untilMs };
}

function stepOf(state: State, account: AccountTurn, nowMs: number): Step {
  readyWhatIsDue(account, nowMs);
  for (;;) {
    const lane = account.ready[0];
    const head = lane?.commands[0];
    if (lane === undefined) return { kind: "idle", untilMs: account.waiting.earliestMs() };
    if (head === undefined || wakeMs(head) > nowMs) {
      account.ready.shift();
      lane.ready = false;
      if (head !== undefined) rest(account, lane);
      continue;
    }
    const step = withoutCall(head, lane, nowMs) ?? admit(state, account, head, nowMs);
    if (step.kind !== "idle") takeInHand(state, account, lane);
    return step;
  }
}

function readyWhatIsDue(account: AccountTurn, nowMs: number): void {
  for (let lane = account.waiting.popDue(nowMs); lane !== undefined; lane = account.waiting.popDue(nowMs)) {
    if (lane.busy || lane.ready || lane.commands.length === 0) continue;
    lane.ready = true;
    account.ready.push(lane);
  }
}

/** A call, or how long there is no room or budget for one. */
function admit(state: State, account: AccountTurn, head: Command, nowMs: number): Step {
  const { options } = state;
  if (state.calls >= options.callsMax || account.calls >= options.callsPerAccountMax)
    return { kind: "idle", untilMs: Number.POSITIVE_INFINITY };
  const budget = options.budgetOf(account.id);
  const admissionMs = budget?.admissionMs(nowMs) ?? nowMs;
  if (admissionMs > nowMs) return { kind: "idle", untilMs: Math.min(admissionMs, account.waiting.earliestMs()) };
  budget?.admit();
  state.calls += 1;
  account.calls += 1;
  const placed = state.commands.get(head.id);
  if (placed !== undefined) placed.calling = true;
  return { kind: "start", command: head, budget };
}

function takeInHand(state: State, account: AccountTurn, lane: Lane): void {
  account.ready.shift();
  lane.ready = false;
  lane.busy = true;
  state.inHand += 1;
}

function ended(state: State, id: string): void {
  const placed = state.commands.get(id);
  if (placed === undefined) return;
  const { lane, account, command } = placed;
  const wasInHand = isInHand(placed);
  state.commands.delete(id);
  lane.commands.splice(lane.commands.indexOf(command), 1);
  if (wasInHand) handBack(state, placed);
  if (lane.commands.length > 0) {
    if (!lane.busy) rest(account, lane);
    return;
  }
  state.lanes.delete(lane.key);
  account.lanes -= 1;
  if (account.lanes > 0) return;
  state.accounts.delete(account.id);
  state.turns = state.turns.filter((each) => each !== account);
}

function again(state: State, id: string, dueMs: number): void {
  const placed = state.commands.get(id);
  if (placed === undefined) return;
  placed.command.dueMs = dueMs;
  placed.command.interrupted = false;
  if (isInHand(placed)) handBack(state, placed);
  rest(placed.account, placed.lane);
}

function isInHand({ lane, command }: Placed): boolean {
  return lane.busy && lane.commands[0] === command;
}

function handBack(state: State, placed: Placed): void {
  placed.lane.busy = false;
  state.inHand -= 1;
  if (!placed.calling) return;
  placed.calling = false;
  state.calls -= 1;
  placed.account.calls -= 1;
}

/** A lane may stand in the heap more than once; whoever takes it out looks again. */
function rest(account: AccountTurn, lane: Lane): void {
  const head = lane.commands[0];
  if (head !== undefined && !lane.busy && !lane.ready) account.waiting.push(wakeMs(head), lane);
}

function accountOf({ accounts, turns }: State, id: string): AccountTurn {
  let account = accounts.get(id);
  if (account === undefined) {
    account = { id, ready: [], waiting: createDueHeap(), lanes: 0, calls: 0 };
    accounts.set(id, account);
    turns.push(account);
  }
  return account;
}

function sizesOf({ commands }: State): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { account } of commands.values()) sizes.set(account.id, (sizes.get(account.id) ?? 0) + 1);
  return sizes;
}

/** A command wants attention when it is due, or when it expires before that. */
function wakeMs(command: Command): number {
  return Math.min(
    command.dueMs,
    command.interrupted ? Number.POSITIVE_INFINITY : (command.expiresMs ?? Number.POSITIVE_INFINITY),
  );
}

/** What the head of a lane needs that costs no call. */
function withoutCall(head: Command, lane: Lane, nowMs: number): Exclude<Step, { kind: "idle" }> | undefined {
  if (head.interrupted) return { kind: "recover", command: head };
  if (isExpired(head, nowMs)) return { kind: "expire", command: head };
  const behind = lane.commands[1];
  const superseded = head.editOf !== "" && behind?.editOf === head.editOf && behind.dueMs <= nowMs && !isExpired(behind, nowMs);
  return superseded && behind !== undefined && !behind.interrupted ? { kind: "supersede", command: head, by: behind } : undefined;
}

function isExpired(command: Command, nowMs: number): boolean {
  return command.expiresMs !== undefined && command.expiresMs <= nowMs;
}
