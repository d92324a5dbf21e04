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
import { scatter, studentStart } from "./client.js";
import { aggregateArtifact, clientsArtifact, type JudgedStudent } from "./artifacts.js";
import { evidenceOf, verdictWith } from "./judge.js";
import { average, match } from "./match.js";
import { measureStudent, refinement } from "./measure.js";
import { innerProduct, type Network } from "./network.js";
import type { Options } from "./options.js";
import { networkOfParams, networkOfTerms, paramsOf } from "./params.js";
import { signalsOf } from "./signals.js";

/** The coordinator's half: judges students, makes one of them, and says what it copies and what averaging cost. */
export class Coordinator {
  readonly #options: Options;
  readonly #teacher: Network;
  /** Of the student that is 0. */
  readonly #nullLoss: number;

  constructor(options: Options, teacher: Network) {
    this.#options = options;
    this.#teacher = teacher;
    this.#nullLoss = innerProduct(options.activation, teacher, teacher);
  }

  /** The student that clients which start together start from. */
  start({ rng }: StartContext): Start {
    const { activation, n, d, init } = this.#options;
    return {
      params: paramsOf(studentStart(activation, n, d, rng.at("start"))),
      ask: { phase: init === "independent" ? scatter : "train" },
    };
  }

  /** The aggregator judges students instead of changes: what honest ones share is the space of their hidden weights. */
  async step(round: Round, aggregate: Aggregate): Promise<Step> {
    const { activation } = this.#options;
    const { valid, tooLarge } = this.#received(round);
    const aggregation = await aggregate(
      valid.map(({ update, student }) => ({ ...update, delta: paramsOf(student) })),
    );
    const { judged, verdicts } = this.#judge(valid, aggregation.verdicts);
    const kept = judged.filter(({ flagged }) => !flagged);
    const parts = kept.map((client) => client.student);
    const refined = refinedBy(aggregation, kept);
    const merged = aggregation.verdicts ? this.#merge(refined, round.phase) : sharedOf(aggregation);
    const student = merged ?? networkOfParams(round.params);
    const measured = await measureStudent(activation, this.#teacher, student, parts);
    return {
      next: { phase: "train" },
      params: paramsOf(student),
      verdicts: [...verdicts, ...tooLarge],
      metrics: {
        ...measured.metrics,
        ...(aggregation.verdicts && refinement(activation, this.#teacher, parts, refined)),
      },
      artifacts: {
        aggregate: aggregateArtifact(this.#options, this.#nullLoss, measured),
        // Later rounds' students start from one point and look alike.
        ...(round.round === 1 && {
          clients: clientsArtifact(this.#options, this.#teacher, judged),
        }),
      },
    };
  }

  /** Each update as the student that its client has, without those that are too large to compute with. */
  #received({ params, updates }: Round): { valid: Received[]; tooLarge: Verdict[] } {
    const { activation } = this.#options;
    const valid: Received[] = [];
    const tooLarge: Verdict[] = [];
    for (const update of updates) {
      const student = networkOfTerms([params, update.delta]);
      if (Number.isFinite(innerProduct(activation, student, student))) {
        valid.push({ update, student });
      } else {
        tooLarge.push(invalidVerdict(update.clientId));
      }
    }
    return { valid, tooLarge };
  }

  /** Only if the aggregator judges: else nobody is flagged, and there are no verdicts. */
  #judge(
    received: readonly Received[],
    given: readonly Verdict[] = [],
  ): { judged: JudgedStudent[]; verdicts: Verdict[] } {
    if (received.length === 0) return { judged: [], verdicts: [] };
    const byId = new Map(given.map((verdict) => [verdict.clientId, verdict]));
    const students = received.map(({ student }) => student);
    const signals = signalsOf(this.#options.activation, students);
    const own = received.map(({ update }) => byId.get(update.clientId));
    const verdicts: Verdict[] = [];
    const judged = evidenceOf(signals, this.#nullLoss, own).flatMap((evidence, c) => {
      const { update, student } = received[c] ?? {};
      if (!update || !student) return [];
      const verdict = own[c] && verdictWith(own[c], evidence);
      if (verdict) verdicts.push(verdict);
      const flagged = verdict !== undefined && !verdict.pooled;
      return [{ id: update.clientId, student, flagged, evidence }];
    });
    return { judged, verdicts };
  }

  /**
   * The average of the students that were kept: matched, if they started apart. Those that started together have their
   * neurons in one order, and matching them anew can hold them between two minima.
   */
  #merge(students: readonly Network[], phase: string): Network | undefined {
    if (students.length === 0) return undefined;
    return phase === scatter ? match(this.#options.activation, students).mean : average(students);
  }
}

interface Received {
  readonly update: Update;
  readonly student: Network;
}

/** The students that were kept, as the aggregator refined them; as they were sent where it did not. */
function refinedBy({ personal }: Aggregation, kept: readonly JudgedStudent[]): readonly Network[] {
  return kept.map(({ id, student }) => {
    const refined = personal?.get(id) ?? [];
    return refined.length > 0 ? networkOfTerms(refined) : student;
  });
}

/** The student that an aggregator made which drops nobody; undefined if it made none. */
function sharedOf({ change }: Aggregation): Network | undefined {
  return change.length > 0 ? networkOfTerms(change) : undefined;
}
