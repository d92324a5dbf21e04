import {
  UserError,
  type Aggregation,
  type Params,
  type RoundState,
  type Step,
  type Update,
  type Verdict,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
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

  /** The start that all clients share, if they do. */
  init(rng: Stream): Params {
    const { activation, n, d } = this.#options;
    return paramsOf(studentStart(activation, n, d, rng.at("start")));
  }

  /** What the first round asks. */
  start(): { phase: string } {
    return { phase: this.#options.init === "independent" ? scatter : "train" };
  }

  /** The students instead of changes: what the honest ones share is the space of their hidden weights. */
  present(state: RoundState): readonly Update[] {
    return this.#received(state).valid.map(({ update, student }) => ({
      ...update,
      delta: paramsOf(student),
    }));
  }

  async reduce(state: RoundState, aggregate: Aggregation): Promise<Step> {
    const { activation } = this.#options;
    const { valid, invalid } = this.#received(state);
    const { judged, verdicts } = this.#judge(valid, aggregate.verdicts);
    const kept = judged.filter(({ flagged }) => !flagged);
    const parts = kept.map((client) => client.student);
    const refined = refinedBy(aggregate, kept);
    const merged = aggregate.verdicts
      ? this.#merge(refined, state.phase)
      : sharedOf(aggregate, valid.length);
    const student = merged ?? networkOfParams(state.global);
    const measured = await measureStudent(activation, this.#teacher, student, parts);
    return {
      phase: "train",
      global: paramsOf(student),
      verdicts: [...verdicts, ...invalid],
      metrics: {
        ...measured.metrics,
        ...(aggregate.verdicts && refinement(activation, this.#teacher, parts, refined)),
      },
      artifacts: {
        aggregate: aggregateArtifact(this.#options, this.#nullLoss, measured),
        // Later rounds' students start from one point and look alike.
        ...(state.round === 1 && {
          clients: clientsArtifact(this.#options, this.#teacher, judged),
        }),
      },
    };
  }

  /** Each update as the student that its client has, without those that are too large to compute with. */
  #received({ global, updates }: RoundState): { valid: Received[]; invalid: Verdict[] } {
    const { activation } = this.#options;
    const valid: Received[] = [];
    const invalid: Verdict[] = [];
    for (const update of updates) {
      const student = networkOfTerms([global, update.delta]);
      if (Number.isFinite(innerProduct(activation, student, student))) {
        valid.push({ update, student });
      } else {
        const { clientId } = update;
        invalid.push({ clientId, status: "invalid", score: null, threshold: null });
      }
    }
    return { valid, invalid };
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
      const flagged = verdict !== undefined && verdict.status !== "benign";
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

/** The student that an aggregator made which drops nobody; undefined if nobody took part. */
function sharedOf({ global }: Aggregation, students: number): Network | undefined {
  if (students === 0) return undefined;
  if (global.length > 0) return networkOfTerms(global);
  throw new UserError(
    "copy-average needs an aggregator that makes one student of all; this one leaves every client its own (local): " +
      "choose fedavg, matched-average, redistillation, clair or another that averages",
  );
}
