import { sum } from "@fedclair/linalg";
import { askClients, type Asked, type Sampled } from "./ask.js";
import { cohortSize, sampleCohort } from "../trial/cohort.js";
import type { Answered, Collected } from "./collect.js";
import { failure, type Failure } from "../words/errors.js";
import type { RoundPlan } from "./round-plan.js";
import { stopwatch } from "../words/stopwatch.js";
import { broadcastBytes, type Pending, type TrialState } from "./trial-state.js";
import { deltaBytes, scaleDelta, type Update } from "../tensors/update.js";
import type { Devices } from "../trial/devices.js";
import type { Schedule } from "../trial/schedule.js";

/** What a round has to go on with. */
export interface Gathered {
  /** Who takes part in it, in order. */
  readonly cohort: readonly string[];
  readonly collected: Collected;
  /** Bytes of the params that were sent. */
  readonly down: number;
  /** That it took to draw whom to ask. */
  readonly sampleSeconds: number;
  /** Where there is simulated time. */
  readonly time?: Timed;
}

export interface Timed {
  /** Seconds since the trial began, when the round is over. */
  readonly clock: number;
  /** From being asked to the answer, by client. */
  readonly seconds: ReadonlyMap<string, number>;
  /** Rounds that were done while the client trained, by client. */
  readonly staleness?: ReadonlyMap<string, number>;
  /** Answers that are still on their way. */
  readonly pending?: readonly Pending[];
}

/** Lets clients train, and takes the answers that the trial's schedule waits for. */
export async function* gather(
  plan: RoundPlan,
  state: TrialState,
  asked: Asked,
): AsyncGenerator<Sampled | Answered, Gathered> {
  const { devices } = plan;
  const { schedule } = plan.trial;
  if (devices && schedule?.name === "buffered")
    return yield* gatherBuffered(plan, devices, state, asked, schedule);
  const { fraction, overSelection } =
    schedule?.name === "semi-synchronous" ? schedule : { fraction: 1, overSelection: 1 };
  const watch = stopwatch();
  const [clock, cohort] = chooseCohort(plan, state, overSelection, []);
  const sampleSeconds = watch();
  yield { kind: "sampled", round: asked.round, cohort };
  const collected = yield* askClients(plan, state, asked, cohort);
  const down = countBroadcastBytes(state, cohort);
  if (!devices) return { cohort, collected, down, sampleSeconds };
  const answers = timeAnswers(cohort, collected, devices, state, clock, asked.round);
  // Of those that were asked too many are not waited for.
  const awaited = Math.ceil((fraction * cohort.length) / overSelection - 1e-9);
  return { cohort, down, sampleSeconds, ...closeRound(answers, awaited, clock) };
}

/**
 * Who is asked, of the clients that are there and not at work, and when: at once, or when the next one comes.
 * @param busy at work already: they count as asked
 */
function chooseCohort(
  plan: RoundPlan,
  { round: done, ask, clock = 0 }: TrialState,
  overSelection: number,
  busy: readonly string[],
): [clock: number, cohort: readonly string[]] {
  const { clientIds, contamination, trial, rng, benignOnly, devices } = plan;
  const round = done + 1;
  const isThere = (at: number) => (id: string) => devices?.isThere(id, round, at) ?? true;
  const chosen = ask === "end" ? [] : ask.clients;
  const atWork = new Set(busy);
  const all = chosen ?? clientIds; // there may be a million
  const free = busy.length > 0 ? all.filter((id) => !atWork.has(id)) : all;
  let when = clock;
  let there = devices ? free.filter(isThere(when)) : free;
  if (devices && there.length === 0 && busy.length === 0) {
    when += devices.idle(when);
    there = free.filter(isThere(when));
  }
  const size = cohortSize({ clients: clientIds.length, cohort: trial.cohort });
  const wanted = Math.max(0, Math.ceil(size * overSelection) - busy.length);
  const cohort = chosen ? there : sampleCohort(there, wanted, rng.at("cohort", round));
  return [when, benignOnly ? cohort.filter((id) => !contamination.has(id)) : cohort];
}

/** Answers with the time at which they come, in the order of the clients. */
function timeAnswers(
  cohort: readonly string[],
  { updates, failures }: Collected,
  devices: Devices,
  state: TrialState,
  clock: number,
  round: number,
): Pending[] {
  const byClient = new Map(updates.map((update) => [update.clientId, update]));
  return cohort.map((clientId): Pending => {
    const update = byClient.get(clientId);
    const bytes = broadcastBytes(state, clientId) + (update ? deltaBytes(update.delta) : 0);
    const { seconds, isLeft } = devices.span(clientId, round, clock, bytes);
    const why = isLeft
      ? straggler(`it went away after ${formatSeconds(seconds)}`)
      : failures.get(clientId);
    const answer = update && !why ? { update } : { failure: why ?? straggler("no answer") };
    return { clientId, round, seconds, arrives: clock + seconds, ...answer };
  });
}

/** The first so many answers, and how long they took; nobody waits for the others. */
function closeRound(
  answers: readonly Pending[],
  awaited: number,
  clock: number,
): Pick<Gathered, "collected" | "time"> {
  const came = answers.filter(({ update }) => update).sort(byArrival);
  const last = came[awaited - 1] ?? answers.toSorted(byArrival).at(-1);
  const end = last?.arrives ?? clock;
  const late = (one: Pending): Pending => {
    const { update, ...rest } = one;
    if (!update || one.arrives <= end) return one;
    const why = `its answer took ${formatSeconds(one.seconds)}, and the round ${formatSeconds(end - clock)}`;
    return { ...rest, failure: straggler(why) };
  };
  const told = answers.map(late);
  return { collected: toCollected(told), time: { clock: end, seconds: listSeconds(told) } };
}

/**
 * Buffered asynchronous aggregation (Nguyen et al. 2022, FedBuff): clients that have answered are replaced when their round is
 * over, and a change counts the less the older the params are that it began with.
 */
async function* gatherBuffered(
  plan: RoundPlan,
  devices: Devices,
  state: TrialState,
  asked: Asked,
  { buffer, discount }: Extract<Schedule, { name: "buffered" }>,
): AsyncGenerator<Sampled | Answered, Gathered> {
  const { pending = [] } = state;
  const busy = pending.map(({ clientId }) => clientId);
  const watch = stopwatch();
  const [clock, cohort] = chooseCohort(plan, state, 1, busy);
  const sampleSeconds = watch();
  yield { kind: "sampled", round: asked.round, cohort };
  const collected = yield* askClients(plan, state, asked, cohort);
  const begun = timeAnswers(cohort, collected, devices, state, clock, asked.round);
  const waiting = [...pending, ...begun].sort(byArrival);
  const updates = waiting.filter(({ update }) => update);
  const last = waiting.indexOf(updates[buffer - 1] ?? waiting.at(-1) ?? ({} as Pending));
  const taken = waiting.slice(0, last + 1).sort((x, y) => (x.clientId < y.clientId ? -1 : 1));
  const staleness = new Map(
    taken.map(({ clientId, round }) => [clientId, asked.round - round] as const),
  );
  const discounted = taken.map((one): Pending => {
    const factor = (1 + (staleness.get(one.clientId) ?? 0)) ** -discount;
    if (!one.update || factor === 1) return one;
    return { ...one, update: { ...one.update, delta: scaleDelta(one.update.delta, factor) } };
  });
  return {
    cohort: taken.map(({ clientId }) => clientId),
    collected: toCollected(discounted),
    down: countBroadcastBytes(state, cohort),
    sampleSeconds,
    time: {
      clock: Math.max(clock, waiting[last]?.arrives ?? clock),
      ...{ seconds: listSeconds(taken), staleness, pending: waiting.slice(last + 1) },
    },
  };
}

function byArrival(x: Pending, y: Pending): number {
  return x.arrives - y.arrives || (x.clientId < y.clientId ? -1 : 1);
}

function toCollected(answers: readonly Pending[]): Collected {
  const updates: Update[] = [];
  const failures = new Map<string, Failure>();
  for (const { clientId, update, failure: why } of answers) {
    if (update) updates.push(update);
    else if (why) failures.set(clientId, why);
  }
  return { updates, failures };
}

function listSeconds(answers: readonly Pending[]): ReadonlyMap<string, number> {
  return new Map(answers.map(({ clientId, seconds }) => [clientId, seconds]));
}

function countBroadcastBytes(state: TrialState, clientIds: readonly string[]): number {
  return sum(clientIds.map((id) => broadcastBytes(state, id)));
}

function straggler(why: string): Failure {
  return failure("STRAGGLER", `${why} of simulated time`);
}

function formatSeconds(seconds: number): string {
  return `${Number(seconds.toPrecision(3))} s`;
}
