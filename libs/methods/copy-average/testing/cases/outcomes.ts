import { asList, asNumber } from "@fedclair/core/cases";
import { classify, tolerances, type Label } from "../../src/classify.js";
import { unitTeacher } from "../../src/perturbed-copy.js";
import { glorot, SeededNormals } from "../../src/random.js";
import { convergedSlope, train } from "../../src/train.js";
import { readActivation, checkAtMost, type Section } from "./run.js";

const letters = new Map<string, Label>([
  ["C", "copy-average-optimal"],
  ["A", "copy-average"],
  ["P", "perturbed-copy"],
  ["N", "near-copy-average-optimal"],
]);

/** Labels per row that may differ, because an integrator can end in another minimum. */
const allowedMisses = 1;

/** Checks where training ends from the Glorot starts of given seeds. */
export const outcomesCase: Section = async ({ act, k, n, d, init, seeds, ...rest }) => {
  const activation = readActivation(act);
  const teacher = unitTeacher(asNumber(k, "k"));
  if (asNumber(d, "d") !== teacher.hidden.rows) throw new Error("d: expected k + 1");
  const excluded = asList(rest.excluded_as_integrator_sensitive ?? [], "excluded");
  const runs: { label: Label; loss: number; slope: number; excluded: boolean }[] = [];
  for (const seed of asList(seeds, "seeds")) {
    const rng = new SeededNormals(asNumber(seed, "seed"));
    const { student, loss, slope } = await train(
      { activation, teacher },
      createStart(init, glorot(asNumber(n, "n"), asNumber(d, "d"), rng)),
    );
    const { label } = classify(activation, student, teacher.hidden, tolerances.trained);
    runs.push({ label, loss, slope, excluded: excluded.includes(seed) });
  }
  const labelsOf = (expected: unknown) => Array.from(String(expected), (c) => letters.get(c) ?? c);
  const sameLabel = labelsOf(rest.labels).map((label, i) => label === runs[i]?.label);
  return {
    inputs: ["act", "k", "n", "d", "init", "seeds", "excluded_as_integrator_sensitive"],
    checks: {
      labels: (expected, report) => {
        const off = runs.filter((run, i) => !run.excluded && !sameLabel[i]);
        if (off.length > allowedMisses || labelsOf(expected).length !== runs.length) {
          report.fail("labels", `got ${runs.map(({ label }) => label).join(", ")}`);
        }
      },
      losses: (expected, report) => {
        asList(expected, "losses").forEach((loss, i) => {
          if (!sameLabel[i]) return;
          report.near(`losses[${i}]`, runs[i]?.loss, loss, { abs: 1e-8, rel: 0 });
        });
      },
      grad_max: checkAtMost(
        "grad_max",
        Math.max(...runs.map(({ slope }) => slope)),
        convergedSlope,
      ),
    },
  };
};

function createStart(init: unknown, { hidden, out }: ReturnType<typeof glorot>) {
  if (init === "glorot") return { hidden, out };
  if (init === "glorot-positive-out") return { hidden, out: out.map(Math.abs) };
  throw new Error(`init: expected glorot or glorot-positive-out, got ${JSON.stringify(init)}`);
}
