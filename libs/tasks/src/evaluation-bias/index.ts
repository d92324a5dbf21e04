import type { Task, TaskPlugin } from "@fedclair/core";
import { contaminations } from "./contaminations.js";
import type { Earlier } from "./earlier.js";
import { askOf, stepMoments, stepReference } from "./coordinator.js";
import { figures } from "./figures/index.js";
import { openInstitution } from "./institution.js";
import { metrics } from "./metrics.js";
import { optionsSchema, type Options } from "./options.js";
import { momentSubspace } from "./moment-subspace.js";

/**
 * Bias in evaluation processes, estimated by an association of institutions (L. E. Celis, A. Kumar, A. Mehrotra,
 * N. K. Vishnoi, Bias in Evaluation Processes: An Optimization-Based Model, NeurIPS 2023, arXiv 2310.17489; the federation is
 * this project's own). Scores of group 2 are observed through evaluations of unknown risk-averseness alpha and information tau,
 * a panel each; scores of group 1 exactly.
 *
 * Two rounds. `reference`: institutions send how many of group 1 fall into each bin; the coordinator makes of them the law
 * of true scores, and from it features Ψ. `moments`: they send the means of these over each panel, M = Ψ·h, which are sufficient
 * for (alpha, tau) and add up over institutions; the coordinator fits the panels. With them goes how well the model, and its
 * rivals, explain the institution's own panels. No score of a person is sent.
 *
 * The trial's aggregator judges histograms first, then matrices. Where it judges, the benign ones are pooled, after a check
 * for institutions inside the model but far from the others; where it does not, its mean is fitted. Whoever is convicted of
 * fabricated histograms stays convicted when matrices are judged.
 */
export const evaluationBias: TaskPlugin = {
  name: "evaluation-bias",
  summary:
    "Institutions estimate how their panels' scores of a group are biased, and what it does to a selection.",
  schema: optionsSchema,
  metrics,
  primary: "alphaError",
  aggregators: [momentSubspace],
  figures,
  contaminations: () => contaminations,
  sharesParams: () => true,
  create: (options: Options): Task<Earlier> => ({
    start: () =>
      Promise.resolve({ params: new Map(), ask: askOf("reference", options), state: [] }),
    openShard: (shard) => Promise.resolve(openInstitution(options, shard)),
    step: (round, aggregate) =>
      round.phase === "reference"
        ? stepReference(options, round, aggregate)
        : stepMoments(options, round, aggregate),
  }),
};
