import {
  isFields,
  asList,
  asNumber,
  Report,
  type CaseFormat,
  type Fields,
  type Outcome,
} from "@fedclair/core/cases";
import { bestBridgeReturn } from "../../src/bridge-evaluation.js";
import {
  runBridgeDataset,
  runBridgeEvaluation,
  runBridgeRun,
  runMove,
  runOptimalActions,
} from "./bridge.js";
import { runFederated } from "./federated.js";
import { runMatrix, runMmdp } from "./games.js";
import { runDivergences, runPrng, runSingleState } from "./scalars.js";

type Runner = (entry: Fields, report: Report) => void | Promise<void>;

/** The functions that check the entries of a section, or the section itself. */
const runners: Readonly<Record<string, Runner>> = {
  prng: runPrng,
  f_divergence: runDivergences,
  single_state_dice: runSingleState,
  bridge_moves: runMove,
  bridge_optimal_actions: runOptimalActions,
  bridge_dataset: runBridgeDataset,
  bridge_evaluation: runBridgeEvaluation,
  matrix: runMatrix,
  mmdp: runMmdp,
  bridge_run: runBridgeRun,
  federated: runFederated,
};

const bestReturn = /^bridge_best_return_T(\d+)$/;

/**
 * The reference cases of AlberDICE: an object of sections, each with one case or a list of cases.
 */
export const format: CaseFormat = {
  method: "alberdice",
  recognises: (file) =>
    isFields(file) &&
    Object.keys(file).some(
      (key) => key.startsWith("bridge_") || key === "mmdp" || key === "single_state_dice",
    ),
  run: async (file) => {
    const outcomes: Outcome[] = [];
    for (const [section, content] of Object.entries(file as Fields)) {
      if (["note", "comment", "description"].includes(section)) continue;
      const entries = Array.isArray(content)
        ? asList(content, section).map((entry, k) => [`${section}[${k}]`, entry] as const)
        : [[section, content] as const];
      for (const [name, entry] of entries) outcomes.push(await runEntry(section, name, entry));
    }
    return outcomes;
  },
};

async function runEntry(section: string, name: string, entry: unknown): Promise<Outcome> {
  const report = new Report();
  const [, limit] = bestReturn.exec(section) ?? [];
  const runner = runners[section];
  try {
    if (limit !== undefined) {
      report.near(section, bestBridgeReturn(Number(limit)), asNumber(entry, section), {
        abs: 1e-9,
        rel: 0,
      });
    } else if (runner === undefined) report.fail(section, "no function for this section");
    else if (!isFields(entry)) report.fail(section, "expected an object");
    else await runner(entry, report);
  } catch (error) {
    // One broken case must not hide the results of the others.
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
