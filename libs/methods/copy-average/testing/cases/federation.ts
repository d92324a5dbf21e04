import { asFields, asList, asNumber, type Fields } from "@fedclair/core/cases";
import { Matrix, splitEnergy } from "@fedclair/linalg";
import { classify, tolerances } from "../../src/classify.js";
import { optimalCopyAverageLoss } from "../../src/copy-average-points.js";
import { average, match } from "../../src/match.js";
import { squaredDistance, type Network } from "../../src/network.js";
import { glorot, orthonormal, SeededNormals } from "../../src/random.js";
import { redistil } from "../../src/redistil.js";
import { distanceLimit, linearLimit, signalsOf } from "../../src/signals.js";
import { train } from "../../src/train.js";
import {
  checkAtMost,
  checkEqual,
  checkNear,
  readNetwork,
  createTeacher,
  type CaseRun,
  type Section,
} from "./run.js";
import { findSubspace } from "./subspace.js";

const activation = "erf";

/** A client is contaminated if a larger share of its weights lies outside the common subspace. */
const residualLimit = 0.3;

const inputs = ["name", "C", "k", "n", "d", "h", "shared_init", "contaminated", "kind", "seeds"];

/** Checks a whole scenario, with all clients trained from their seeds. */
export const scenarioCase: Section = async (entry) => {
  const students = await trainClients(entry);
  return checkAggregation(entry, students, { losses: 0, relative: 1e-3, signals: 1e-4 });
};

/** Checks the scenario's aggregation with the client weights from the file. */
export const givenWeightsCase: Section = (entry) => {
  const students = asList(entry.clients, "clients").map((client) => {
    const { W, a } = asFields(client, "client");
    return readNetwork(W, a);
  });
  return checkAggregation(entry, students, { losses: 1e-9, relative: 0, signals: 1e-5 });
};

interface Closeness {
  /** Absolute tolerance of losses. */
  readonly losses: number;
  readonly relative: number;
  readonly signals: number;
}

async function checkAggregation(
  entry: Fields,
  students: readonly Network[],
  { losses, relative, signals: signalTolerance }: Closeness,
): Promise<CaseRun> {
  const { k, n, contaminated } = entry;
  const teacher = drawTeacher(entry);
  const bad = new Set(asList(contaminated, "contaminated"));
  const benign = students.filter((_, c) => !bad.has(c));
  const lossOf = (student: Network) => squaredDistance(activation, student, teacher);
  const labelOf = (student: Network, tolerance: number) =>
    classify(activation, student, teacher.hidden, tolerance);

  const all = match(activation, students);
  const honest = match(activation, benign);
  const redistilled = await redistil(activation, benign);
  const next = await train({ activation, teacher }, honest.mean);
  const honestLabel = labelOf(honest.mean, tolerances.aggregate);

  const nullLoss = asNumber(k, "k") / 3;
  const signals = signalsOf(activation, students);
  const distanceMost = distanceLimit(signals, nullLoss);
  const { basis, residuals } = findSubspace(
    students.map(({ hidden }) => hidden),
    asNumber(k, "k"),
  );
  const isBad = students.map((_, c) => bad.has(c));
  const loss = (field: string, got: number | readonly number[], abs = losses) =>
    checkNear(field, got, abs, relative);
  return {
    inputs: [...inputs, "clients"],
    checks: {
      null_loss: checkNear("null_loss", nullLoss, 1e-12),
      optimal_copy_average_loss: checkNear(
        "optimal_copy_average_loss",
        optimalCopyAverageLoss(asNumber(n, "n"), asNumber(k, "k")),
        1e-10,
      ),
      client_losses_on_true_teacher: loss(
        "client_losses_on_true_teacher",
        students.map(lossOf),
        1e-8,
      ),
      fedavg_loss: loss("fedavg_loss", lossOf(average(students))),
      matched_loss: loss("matched_loss", lossOf(all.mean)),
      matched_label: checkEqual("matched_label", labelOf(all.mean, tolerances.aggregate).label),
      matched_assignments: checkNear("matched_assignments", all.assignments, 0),
      benign_fedavg_loss: loss("benign_fedavg_loss", lossOf(average(benign))),
      benign_matched_loss: loss("benign_matched_loss", lossOf(honest.mean)),
      benign_matched_label: checkEqual("benign_matched_label", honestLabel.label),
      benign_matched_PR: checkNear("benign_matched_PR", honestLabel.participation, 1e-4, relative),
      benign_redistilled_loss: loss("benign_redistilled_loss", lossOf(redistilled.student), 1e-6),
      next_round_loss: loss("next_round_loss", next.loss, 1e-8),
      next_round_label: checkEqual(
        "next_round_label",
        labelOf(next.student, tolerances.trained).label,
      ),
      subspace_residual_ratio: (expected, report) => {
        checkNear("subspace_residual_ratio", residuals, 1e-5, relative)(expected, report);
        if (entry.kind === "sign-flip") return; // sign flips leave the subspace unchanged
        const flagged = residuals.map((residual) => residual > residualLimit);
        checkEqual("flagged by the subspace", String(flagged))(String(isBad), report);
      },
      subspace_error: (expected, report) => {
        // With fewer than k directions, the remaining ones are arbitrary, as the reference's own
        // error shows.
        if (asNumber(expected, "subspace_error") > 0.5) return;
        checkAtMost(
          "subspace_error",
          computeSubspaceError(basis, teacher.hidden),
          2e-6,
        )(expected, report);
      },
      linear_part_deviation: (expected, report) => {
        const { linearDeviation } = signals;
        checkNear(
          "linear_part_deviation",
          linearDeviation,
          signalTolerance,
          relative,
        )(expected, report);
        const flagged = linearDeviation.map((deviation) => deviation > linearLimit(signals));
        checkEqual("flagged by the linear part", String(flagged))(String(isBad), report);
      },
      median_function_distance: (expected, report) => {
        const { functionDistance } = signals;
        checkNear(
          "median_function_distance",
          functionDistance,
          signalTolerance,
          relative,
        )(expected, report);
        const flagged = functionDistance.map((distance) => distance > distanceMost);
        checkEqual("flagged by the function distance", String(flagged))(String(isBad), report);
      },
      max_out_of_span: checkAtMost(
        "max_out_of_span",
        computeOutOfSpan(benign, teacher.hidden),
        1e-6,
      ),
    },
  };
}

function drawTeacher({ k, d, seeds }: Fields): Network {
  const { teacher } = asFields(seeds, "seeds");
  const rng = new SeededNormals(asNumber(teacher, "seeds.teacher"));
  return createTeacher(orthonormal(asNumber(k, "k"), asNumber(d, "d"), rng));
}

async function trainClients(entry: Fields): Promise<Network[]> {
  const students: Network[] = [];
  for (let c = 0; c < asNumber(entry.C, "C"); c++) {
    students.push(await trainClient(entry, c));
  }
  return students;
}

async function trainClient(entry: Fields, c: number): Promise<Network> {
  const [n, d, h] = [asNumber(entry.n, "n"), asNumber(entry.d, "d"), asNumber(entry.h, "h")];
  const seeds = asFields(entry.seeds, "seeds");
  const seed = (name: string) => asNumber(seeds[name], `seeds.${name}`);
  const own = entry.shared_init === true ? 0 : c;
  const covariance = Matrix.identity(d);
  new SeededNormals(seed("sigma") + c)
    .normals(d, h)
    .forEach((z, l) => (covariance.data[l * (d + 1)] = Math.exp(z)));
  const contaminated = asList(entry.contaminated, "contaminated").includes(c);
  const teacher = contaminated ? drawContaminatedTeacher(entry, c) : drawTeacher(entry);
  const start = glorot(n, d, new SeededNormals(seed("init") + own));
  const lesson = { activation, teacher, ...(h > 0 && { covariance }) } as const;
  return (await train(lesson, start)).student;
}

function drawContaminatedTeacher(entry: Fields, c: number): Network {
  const { kind, k, d, seeds } = entry;
  const { other_teacher: other } = asFields(seeds, "seeds");
  const draw = (seed: number) =>
    createTeacher(orthonormal(asNumber(k, "k"), asNumber(d, "d"), new SeededNormals(seed)));
  switch (kind) {
    case "other-teacher":
      return draw(asNumber(other, "seeds.other_teacher") + c);
    case "shared-other-teacher":
      return draw(asNumber(other, "seeds.other_teacher"));
    case "sign-flip":
      return createTeacher(drawTeacher(entry).hidden, -1);
    default:
      throw new Error(
        `kind: expected other-teacher, shared-other-teacher or sign-flip, got ${JSON.stringify(kind)}`,
      );
  }
}

/**
 * Computes |T − UUᵀT|_F, an upper bound of the sine of the largest angle.
 * @param teacher orthonormal columns
 */
function computeSubspaceError(basis: Matrix, teacher: Matrix): number {
  return Math.sqrt(splitEnergy(basis, teacher).outside);
}

/** Computes the largest share of a student's weights outside the teacher's span. */
function computeOutOfSpan(students: readonly Network[], teacher: Matrix): number {
  return Math.max(
    ...students.map(({ hidden }) => {
      const { inside, outside } = splitEnergy(teacher, hidden);
      return Math.sqrt(outside / (inside + outside));
    }),
  );
}
