import type { Task, TaskPlugin } from "@fedclair/core";
import { contaminations } from "./contaminations.js";
import type { EarlierVerdicts } from "./earlier.js";
import { createAsk, stepMoments, stepReference } from "./coordinator.js";
import { figures } from "./figures/index.js";
import { openInstitution } from "./institution.js";
import { metrics } from "./metrics.js";
import { optionsSchema, type Options } from "./options.js";
import { momentSubspace } from "./moment-subspace.js";

/**
 * Estimates bias in evaluation processes for an association of institutions (L. E. Celis, A. Kumar,
 * A. Mehrotra, N. K. Vishnoi, Bias in Evaluation Processes: An Optimization-Based Model, NeurIPS
 * 2023, arXiv 2310.17489; the federation is this project's own). Scores of group 1 are observed
 * exactly. Scores of group 2 are observed through panels, whose evaluations have unknown
 * risk-averseness alpha and information tau.
 *
 * There are two rounds. In phase `reference`, institutions send the number of scores of group 1 in
 * each bin. The coordinator derives the distribution of true scores from these counts, and from it
 * the features Ψ. In phase `moments`, institutions send the means of the features over each panel,
 * M = Ψ·h. These are sufficient for (alpha, tau) and add up over institutions. The coordinator fits
 * the panels to them. Institutions also send how well the model and the other explanations fit
 * their own panels. The scores of individual people are never sent.
 *
 * The trial's aggregator compares histograms first, then matrices. If it gives verdicts, the benign
 * institutions are pooled, after a check for institutions that are inside the model but far from
 * the others. If not, the panels are fitted to its mean. An institution that was flagged for its
 * histogram stays flagged in the second phase.
 */
export const evaluationBias: TaskPlugin = {
  name: "evaluation-bias",
  summary:
    "Institutions estimate the bias of their panels against a group, and its effect on a selection.",
  schema: optionsSchema,
  metrics,
  primary: "alphaError",
  aggregators: [momentSubspace],
  figures,
  contaminations: () => contaminations,
  sharesParams: () => true,
  create: (options: Options): Task<EarlierVerdicts> => ({
    start: () =>
      Promise.resolve({ params: new Map(), ask: createAsk("reference", options), state: [] }),
    openShard: (shard) => Promise.resolve(openInstitution(options, shard)),
    step: (round, aggregate) =>
      round.phase === "reference"
        ? stepReference(options, round, aggregate)
        : stepMoments(options, round, aggregate),
  }),
};
