import {
  invalidVerdict,
  type Aggregate,
  type Aggregation,
  type Round,
  type Start,
  type StartContext,
  type Step,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { scatter, drawStart } from "./client.js";
import { createAggregateArtifact, createClientsArtifact, type JudgedStudent } from "./artifacts.js";
import { computeEvidence, addEvidence } from "./judge.js";
import { average, match } from "./match.js";
import { measureEndPoints, measureStudent, measureRefinement } from "./measure.js";
import { expectedProduct, type Network } from "./network.js";
import type { Options } from "./options.js";
import { networkOfParams, networkOfTerms, paramsOf } from "./params.js";
import { signalsOf } from "./signals.js";

/**
 * The coordinator half: judges students, merges them into one, and measures how well it copies and
 * what averaging cost.
 */
export class Coordinator {
  readonly #options: Options;
  readonly #teacher: Network;
  /** Loss of the student that is 0. */
  readonly #nullLoss: number;

  constructor(options: Options, teacher: Network) {
    this.#options = options;
    this.#teacher = teacher;
    this.#nullLoss = expectedProduct(options.activation, teacher, teacher);
  }

  /** Draws the student from which clients with a common start begin. */
  start({ rng }: StartContext): Start {
    const { activation, n, d, init } = this.#options;
    return {
      params: paramsOf(drawStart(activation, n, d, rng.at("start"))),
      ask: { phase: init === "independent" ? scatter : "train" },
    };
  }

  /**
   * Runs the aggregator on students instead of changes, because benign students share the space of
   * their hidden weights.
   */
  async step(round: Round, aggregate: Aggregate): Promise<Step> {
    const { activation } = this.#options;
    const { valid, tooLarge } = this.#received(round);
    const aggregation = await aggregate(
      valid.map(({ update, student }) => ({ ...update, delta: paramsOf(student) })),
    );
    const { judged, verdicts } = this.#judge(valid, aggregation.verdicts);
    const unflagged = judged.filter(({ flagged }) => !flagged);
    const parts = unflagged.map((client) => client.student);
    const refined = refineStudents(aggregation, unflagged);
    const mergedStudent = aggregation.verdicts
      ? this.#merge(refined, round.phase)
      : readSharedStudent(aggregation);
    const student = mergedStudent ?? networkOfParams(round.params);
    const measurement = await measureStudent(activation, this.#teacher, student, parts);
    return {
      next: { phase: "train" },
      params: paramsOf(student),
      verdicts: [...verdicts, ...tooLarge],
      metrics: {
        ...measurement.metrics,
        ...measureEndPoints(activation, this.#teacher, parts),
        ...(aggregation.verdicts && measureRefinement(activation, this.#teacher, parts, refined)),
      },
      artifacts: {
        aggregate: createAggregateArtifact(this.#options, this.#nullLoss, measurement),
        // In later rounds all students start from one point and look alike.
        ...(round.round === 1 && {
          clients: createClientsArtifact(this.#options, this.#teacher, judged),
        }),
      },
    };
  }

  /**
   * Reconstructs the student of each update. Students that are too large to compute with get the
   * verdict `invalid`.
   */
  #received({ params, updates }: Round): { valid: ReceivedStudent[]; tooLarge: Verdict[] } {
    const { activation } = this.#options;
    const valid: ReceivedStudent[] = [];
    const tooLarge: Verdict[] = [];
    for (const update of updates) {
      const student = networkOfTerms([params, update.delta]);
      if (Number.isFinite(expectedProduct(activation, student, student))) {
        valid.push({ update, student });
      } else {
        tooLarge.push(invalidVerdict(update.clientId));
      }
    }
    return { valid, tooLarge };
  }

  /**
   * Judges the students. Without verdicts of the aggregator there are none here either, and no
   * client is flagged.
   */
  #judge(
    received: readonly ReceivedStudent[],
    given: readonly Verdict[] = [],
  ): { judged: JudgedStudent[]; verdicts: Verdict[] } {
    if (received.length === 0) return { judged: [], verdicts: [] };
    const byId = new Map(given.map((verdict) => [verdict.clientId, verdict]));
    const students = received.map(({ student }) => student);
    const signals = signalsOf(this.#options.activation, students);
    const own = received.map(({ update }) => byId.get(update.clientId));
    const verdicts: Verdict[] = [];
    const judged = computeEvidence(signals, this.#nullLoss, own).flatMap((evidence, c) => {
      const { update, student } = received[c] ?? {};
      if (!update || !student) return [];
      const verdict = own[c] && addEvidence(own[c], evidence);
      if (verdict) verdicts.push(verdict);
      const flagged = verdict !== undefined && !verdict.pooled;
      return [{ id: update.clientId, student, flagged, evidence }];
    });
    return { judged, verdicts };
  }

  /**
   * Averages the unflagged students, and matches them first if their starts differ. Students with a
   * common start have their neurons in the same order already, and matching them again can trap
   * them between two minima.
   */
  #merge(students: readonly Network[], phase: string): Network | undefined {
    if (students.length === 0) return undefined;
    return phase === scatter ? match(this.#options.activation, students).mean : average(students);
  }
}

interface ReceivedStudent {
  readonly update: Update;
  readonly student: Network;
}

/**
 * Returns the unflagged students as the aggregator refined them, or as sent if it did not refine
 * them.
 */
function refineStudents(
  { personal }: Aggregation,
  unflagged: readonly JudgedStudent[],
): readonly Network[] {
  return unflagged.map(({ id, student }) => {
    const refined = personal?.get(id) ?? [];
    return refined.length > 0 ? networkOfTerms(refined) : student;
  });
}

/** Returns the student of an aggregator that drops no client; undefined if it made none. */
function readSharedStudent({ change }: Aggregation): Network | undefined {
  return change.length > 0 ? networkOfTerms(change) : undefined;
}
