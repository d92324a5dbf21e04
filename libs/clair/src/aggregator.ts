import {
  deltaShape,
  sizeOf,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { pick } from "@fedclair/linalg";
import { clair, requireProperSubspace } from "./clair.js";
import type { ClairResult, Memory } from "./judge-round.js";
import { describeRate } from "./judge/bank.js";
import { noHistories, type EvidenceHistories } from "./judge/rounds.js";
import { threadsFor } from "./modules/module-pool.js";
import { withSecretSeed, type ClairOptions } from "./options.js";
import { refine, toAggregation } from "./refine.js";
import { scoreFloor } from "./space/view-measures.js";
import { isCompared } from "./updates/sanitise.js";

/** The CLAIR aggregator. It computes off the event loop, so heartbeats continue meanwhile. */
export class Clair implements Aggregator<ClairState> {
  readonly changesPersonal: boolean;
  readonly #options: ClairOptions;

  constructor(options: ClairOptions) {
    this.changesPersonal = options.models === "personal";
    this.#options = options;
  }

  notice(clients: number, cohort: number): string | undefined {
    if (this.#options.models !== "personal" || cohort > clients / 2) return undefined;
    return (
      `clair: ${cohort} of ${clients} clients take part in a round, so each personal model learns in few rounds; ` +
      "if the clients' tasks are alike, one model of all benign clients is better: set models to global"
    );
  }

  async aggregate(
    input: AggregatorInput,
    state: ClairState = new Map(),
  ): Promise<Aggregation<ClairState>> {
    const { updates, rng } = input;
    // The order and the seed are secret: no attacker can place itself among the clients that the
    // search starts from, or hide in what a sketch does not see.
    const order = rng.sample([...updates.keys()]);
    const options = withSecretSeed(this.#options, rng);
    const earlier = readEarlierRounds(state, input, options);
    const threads = threadsFor([...updates, ...earlier.past], options);
    const result = await clair(pick(updates, order), options, { ...earlier, threads });
    try {
      requireProperSubspace(result);
      const aggregation = toAggregation(updates, result, await refine(result, options), options);
      const notices = [noticeColumns(updates) ?? noticeRate(result, options), aggregation.notice];
      const notice = notices.filter((one) => one !== undefined).join("; ");
      return {
        ...aggregation,
        ...(notice !== "" && { notice }),
        state: computeNextState(state, input, result, options),
      };
    } finally {
      result.modules.close();
    }
  }
}

/** Returns a notice if the updates of the clients have one direction each, and so no space. */
function noticeColumns([first]: readonly Update[]): string | undefined {
  const matrices = [...(first?.delta.values() ?? [])].filter(isCompared);
  if (matrices.length === 0 || matrices.some((module) => deltaWidth(module) > 1)) return undefined;
  return (
    "every module has a single column, so an update is one direction and there is no space to align: " +
    "compare whole vectors with a rule such as geometric-median, or give modules the shape of their layer"
  );
}

/** Returns a notice if the bank cannot promise the wanted rate of false alarms. */
function noticeRate({ judge }: ClairResult, { rule }: ClairOptions): string | undefined {
  if (judge.by !== "evidence" || rule.by !== "evidence") return undefined;
  return describeRate(judge.controls.thresholds, rule.falseAlarmRate);
}

/** The number of columns of a change; of a low-rank one, those of its product. */
function deltaWidth(module: TensorDelta): number {
  const [, ...rest] = deltaShape(module);
  return sizeOf(rest);
}

/**
 * State from earlier rounds by phase, because updates of different phases need not have the same
 * modules. It is plain data.
 */
export type ClairState = ReadonlyMap<string, PhaseState>;

interface PhaseState {
  /**
   * ln of every client's score by client id, with rule `gap`, as blended in the last round that
   * judged it.
   */
  readonly memory: Memory;
  /** Statistics of earlier rounds by client id, with rule `evidence`. */
  readonly histories: EvidenceHistories;
  /** The newest update of every client in the window by client id, oldest first. */
  readonly window: ReadonlyMap<string, WindowEntry>;
}

interface WindowEntry {
  readonly round: number;
  readonly update: Update;
}

/**
 * Reads the state of this phase: the clients' memory and histories, and the updates in the window
 * from clients that are absent in this round.
 */
function readEarlierRounds(
  state: ClairState,
  { round, phase, updates }: AggregatorInput,
  { window }: Pick<ClairOptions, "window">,
): Pick<PhaseState, "memory" | "histories"> & { readonly past: readonly Update[] } {
  const phaseState = state.get(phase);
  const present = new Set(updates.map(({ clientId }) => clientId));
  const past = [...(phaseState?.window.values() ?? [])].filter(
    (entry) => entry.round > round - window && !present.has(entry.update.clientId),
  );
  return {
    memory: phaseState?.memory ?? new Map(),
    histories: phaseState?.histories ?? noHistories,
    past: past.map(({ update }) => update),
  };
}

/**
 * Computes the state after a round. It adds the updates and scores to the round's phase and drops,
 * from all phases, what the next round cannot use.
 */
function computeNextState(
  state: ClairState,
  { round, phase, updates }: AggregatorInput,
  { canFlag, tangents, judge }: ClairResult,
  { window }: ClairOptions,
): ClairState {
  const phaseState = state.get(phase);
  const newest = new Map(phaseState?.window);
  for (const update of updates) {
    newest.delete(update.clientId); // so that it moves to the end
    newest.set(update.clientId, { round, update });
  }
  const histories = (judge.by === "evidence" && judge.histories) || phaseState?.histories;
  const memory = new Map(phaseState?.memory);
  if (canFlag && judge.by === "gap") {
    for (const [id, score] of tangents) memory.set(id, Math.log(Math.max(score, scoreFloor)));
  }
  const phases = new Map(state).set(phase, {
    memory,
    histories: histories ?? noHistories,
    window: newest,
  });
  return new Map([...phases].map(([name, of]) => [name, { ...of, window: dropOld(of.window) }]));

  function dropOld(entries: PhaseState["window"]): PhaseState["window"] {
    return new Map([...entries].filter(([, { round: then }]) => then > round + 1 - window));
  }
}
