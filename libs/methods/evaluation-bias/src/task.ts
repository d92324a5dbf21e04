import { definePlugin, type Task } from "@fedclair/core";
import { sourcePaths } from "@fedclair/tasks/shared";
import { contaminations, ownContaminations } from "./contaminations.js";
import type { EarlierVerdicts } from "./earlier.js";
import { createAsk, stepMoments, stepReference } from "./coordinator.js";
import { figures } from "./figures/index.js";
import { openInstitution } from "./institution.js";
import { metrics, ownMetrics } from "./metrics.js";
import { optionsSchema, type Options } from "./options.js";
import { momentSubspace } from "./moment-subspace.js";
import { readScores } from "./own-scores.js";
import { simulateScores } from "./scores.js";

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
export const evaluationBias = definePlugin({
  kind: "task",
  name: "evaluation-bias",
  summary:
    "Institutions estimate the bias of their panels against a group, and its effect on a selection.",
  schema: optionsSchema,
  paths: sourcePaths,
  metrics,
  primary: "alphaError",
  measures: ({ source }: Options) =>
    source
      ? { metrics: ownMetrics, primary: "totalVariation" }
      : { metrics, primary: "alphaError" },
  aggregators: [momentSubspace],
  figures,
  contaminations: ({ source }: Options) => (source ? ownContaminations : contaminations),
  sharesParams: () => true,
  create: async (options: Options): Promise<Task<EarlierVerdicts>> => {
    const { source } = options;
    const scores = source ? await readScores(options, source) : simulateScores(options);
    return {
      ...scores.members,
      start: () =>
        Promise.resolve({
          params: new Map(),
          ask: createAsk("reference", options, scores.panels),
          state: [],
        }),
      openShard: (shard) => Promise.resolve(openInstitution(options, scores, shard)),
      step: (round, aggregate) =>
        round.phase === "reference"
          ? stepReference(options, scores, round, aggregate)
          : stepMoments(options, scores, round, aggregate),
    };
  },
});
