import { sum } from "@fedclair/linalg";
import { askToTrain, type Asked, type GatheringCode, type Sampled } from "./ask-clients.js";
import { cohortSize, sampleCohort, samplePass } from "../trial/cohort.js";
import type { Asking, SimulatedTime } from "./asked-clients.js";
import type { ClosedRound } from "./close-cohort.js";
import type { Answered, Collected } from "./collect.js";
import { failure, type Failure } from "../words/errors.js";
import { gatherStreamed, isStreamed } from "./gather-streamed.js";
import type { RoundPlan } from "./round-plan.js";
import { stopwatch } from "../words/stopwatch.js";
import { broadcastBytes, type Pending, type TrialState } from "./trial-state.js";
import { deltaBytes, scaleDelta, type Update } from "../tensors/update.js";
import type { Devices } from "../trial/devices.js";
import type { Schedule } from "../trial/schedule.js";

/** The answers that a round continues with, or a streamed round, which has aggregated them. */
type Gathered = Asking &
  (
    | { readonly collected: Collected; readonly closed?: undefined }
    | { readonly closed: ClosedRound }
  );

/** Lets clients train, and returns the answers that the trial's schedule waits for. */
export async function* gather(
  plan: RoundPlan,
  state: TrialState,
  asked: Asked,
  server: GatheringCode,
): AsyncGenerator<Sampled | Answered, Gathered> {
  const { devices } = plan;
  const { schedule } = plan.trial;
  if (devices && schedule?.name === "buffered")
    return yield* gatherBuffered(plan, devices, state, asked, server, schedule);
  const { fraction, overSelection } =
    schedule?.name === "semi-synchronous" ? schedule : { fraction: 1, overSelection: 1 };
  const watch = stopwatch();
  const [clock, cohort] = chooseCohort(plan, state, overSelection, []);
  const sampleSeconds = watch();
  yield { kind: "sampled", round: asked.round, cohort };
  const down = countBroadcastBytes(plan, state, cohort);
  if (isStreamed(plan, cohort)) {
    const closed = yield* gatherStreamed(plan, state, asked, cohort, server);
    return { cohort, closed, down, sampleSeconds };
  }
  const collected = yield* askToTrain(plan, state, asked, cohort, server);
  if (!devices) return { cohort, collected, down, sampleSeconds };
  const answers = timeAnswers(cohort, collected, { ...plan, devices }, state, clock, asked.round);
  // With over-selection, the round does not wait for the surplus clients.
  const awaited = Math.ceil((fraction * cohort.length) / overSelection - 1e-9);
  const closed = closeRound(answers, awaited, clock);
  const { own } = collected;
  return {
    cohort,
    down,
    sampleSeconds,
    time: closed.time,
    collected: { ...closed.collected, ...(own && { own }) },
  };
}

/**
 * Chooses the clients to ask, among those that are available and not at work, and the time to ask
 * them: now, or when the next client becomes available.
 * @param busy the clients that are already at work; they count as asked
 */
function chooseCohort(
  plan: RoundPlan,
  { round: lastRound, ask, clock = 0 }: TrialState,
  overSelection: number,
  busy: readonly string[],
): [clock: number, cohort: readonly string[]] {
  const { clientIds, contamination, absentFrom, trial, rng, benignOnly, devices } = plan;
  const round = lastRound + 1;
  const isAvailable = (at: number) => (id: string) => devices?.isThere(id, round, at) ?? true;
  const chosen = ask === "end" ? [] : ask.clients;
  const atWork = new Set(busy);
  const all = chosen ?? clientIds; // up to a million
  const free = busy.length > 0 ? all.filter((id) => !atWork.has(id)) : all;
  let when = clock;
  let available = devices ? free.filter(isAvailable(when)) : free;
  if (devices && available.length === 0 && busy.length === 0) {
    when += devices.idle(when);
    available = free.filter(isAvailable(when));
  }
  const target = cohortSize({ clients: clientIds.length, cohort: trial.cohort });
  const size = Math.max(0, Math.ceil(target * overSelection) - busy.length);
  const sample = () =>
    trial.sampling === "passes"
      ? samplePass(clientIds, size, round, rng.at("passes"))
      : sampleCohort(available, size, rng.at("cohort", round));
  const cohort = chosen ? available : sample();
  const present =
    absentFrom.size > 0 ? cohort.filter((id) => round < (absentFrom.get(id) ?? Infinity)) : cohort;
  return [when, benignOnly ? present.filter((id) => !contamination.has(id)) : present];
}

/** Adds to each answer the time at which it arrives. The order is that of the clients. */
function timeAnswers(
  cohort: readonly string[],
  { updates, failures }: Collected,
  plan: RoundPlan & { readonly devices: Devices },
  state: TrialState,
  clock: number,
  round: number,
): Pending[] {
  const byClient = new Map(updates.map((update) => [update.clientId, update]));
  return cohort.map((clientId): Pending => {
    const update = byClient.get(clientId);
    const bytes = broadcastBytes(plan, state, clientId) + (update ? deltaBytes(update.delta) : 0);
    const { seconds, isLeft } = plan.devices.span(clientId, round, clock, bytes);
    const failure = isLeft
      ? straggler(`it went away after ${formatSeconds(seconds)}`)
      : failures.get(clientId);
    const answer = update && !failure ? { update } : { failure: failure ?? straggler("no answer") };
    return { clientId, round, seconds, arrives: clock + seconds, ...answer };
  });
}

/** Closes a round after `awaited` updates; later ones become failures of stragglers. */
function closeRound(
  answers: readonly Pending[],
  awaited: number,
  clock: number,
): { readonly collected: Collected; readonly time: SimulatedTime } {
  const arrivals = answers.filter(({ update }) => update).sort(byArrival);
  const last = arrivals[awaited - 1] ?? answers.toSorted(byArrival).at(-1);
  const end = last?.arrives ?? clock;
  const rejectLate = (answer: Pending): Pending => {
    const { update, ...rest } = answer;
    if (!update || answer.arrives <= end) return answer;
    const why = `its answer took ${formatSeconds(answer.seconds)}, and the round ${formatSeconds(end - clock)}`;
    return { ...rest, failure: straggler(why) };
  };
  const closed = answers.map(rejectLate);
  return { collected: toCollected(closed), time: { clock: end, seconds: listSeconds(closed) } };
}

/**
 * Buffered asynchronous aggregation (Nguyen et al. 2022, FedBuff). Clients that have answered are
 * replaced when the round ends. An update counts less, the older the params are that it started
 * from.
 */
async function* gatherBuffered(
  plan: RoundPlan,
  devices: Devices,
  state: TrialState,
  asked: Asked,
  server: GatheringCode,
  { buffer, discount }: Extract<Schedule, { name: "buffered" }>,
): AsyncGenerator<Sampled | Answered, Gathered> {
  const { pending = [] } = state;
  const busy = pending.map(({ clientId }) => clientId);
  const watch = stopwatch();
  const [clock, cohort] = chooseCohort(plan, state, 1, busy);
  const sampleSeconds = watch();
  yield { kind: "sampled", round: asked.round, cohort };
  const collected = yield* askToTrain(plan, state, asked, cohort, server);
  const started = timeAnswers(cohort, collected, { ...plan, devices }, state, clock, asked.round);
  const waiting = [...pending, ...started].sort(byArrival);
  const updates = waiting.filter(({ update }) => update);
  // With fewer updates than the buffer holds, the round waits for all answers.
  const filling = updates[buffer - 1];
  const last = filling ? waiting.indexOf(filling) : waiting.length - 1;
  const due = waiting.slice(0, last + 1).sort((x, y) => (x.clientId < y.clientId ? -1 : 1));
  const staleness = new Map(
    due.map(({ clientId, round }) => [clientId, asked.round - round] as const),
  );
  const discounted = due.map((answer): Pending => {
    const { clientId, update } = answer;
    const factor = (1 + (staleness.get(clientId) ?? 0)) ** -discount;
    if (!update || factor === 1) return answer;
    return { ...answer, update: { ...update, delta: scaleDelta(update.delta, factor) } };
  });
  return {
    cohort: due.map(({ clientId }) => clientId),
    collected: toCollected(discounted),
    down: countBroadcastBytes(plan, state, cohort),
    sampleSeconds,
    time: {
      clock: Math.max(clock, waiting[last]?.arrives ?? clock),
      seconds: listSeconds(due),
      staleness,
      pending: waiting.slice(last + 1),
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

function countBroadcastBytes(
  plan: RoundPlan,
  state: TrialState,
  clientIds: readonly string[],
): number {
  return sum(clientIds.map((id) => broadcastBytes(plan, state, id)));
}

function straggler(why: string): Failure {
  return failure("STRAGGLER", `${why} of simulated time`);
}

function formatSeconds(seconds: number): string {
  return `${Number(seconds.toPrecision(3))} s`;
}
