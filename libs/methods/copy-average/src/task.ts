import { definePlugin, type Shard } from "@fedclair/core";
import { DistillingClient } from "./client.js";
import { Coordinator } from "./coordinator.js";
import { figures } from "./figures.js";
import { contaminations, drawTeacher } from "./lessons.js";
import { schema, type Options } from "./options.js";
import { matchedAverage, redistillation } from "./aggregators.js";

/**
 * Can students that are smaller than their teacher be averaged? Every client distils one teacher
 * into a student of n < k neurons by exact gradient flow, and sends its weights. The coordinator
 * merges the students into one and reports whether it still copies teacher neurons, averages them,
 * or does neither. The setting is from B. Şimşek, A. Bendjeddou, W. Gerstner and J. Brea, "Should
 * Under-parameterized Student Networks Copy or Average Teacher Weights?", NeurIPS 2023 (arXiv
 * 2311.01644). We knew the paper by its abstract and the authors' code. The federated part is this
 * project's own.
 *
 * Params are `hidden`, d×n with one column per neuron, and `out`, 1×n. They are float64, because
 * rounding to float32 would blur the end points.
 */
export const copyAverage = definePlugin({
  kind: "task",
  name: "copy-average",
  summary: "Distils a teacher into small students and asks whether their average still copies it.",
  schema,
  contaminations: () => contaminations,
  metrics: {
    ratio: { better: "lower", description: "loss over the median loss of the averaged students" },
    loss: { better: "lower", description: "squared distance from the teacher" },
    nextLoss: { better: "lower", description: "loss after one more training" },
    refinement: {
      better: "lower",
      description: "loss of refined students over their loss as sent",
    },
    copies: { unit: "neurons", description: "neurons that follow one teacher neuron" },
    copyAverage: { description: "1 if neurons copy or average teacher neurons, else 0" },
    averagingShare: { description: "share of the students as sent that copy or average" },
    copyingShare: { description: "share of the students as sent at a perturbed copy" },
    averagingLoss: { description: "mean loss of the students that copy or average" },
    copyingLoss: { description: "mean loss of the students at a perturbed copy" },
    slope: { better: "lower", description: "largest entry of the gradient after training" },
    converged: { better: "higher", description: "1 if training converged, else 0" },
    evaluations: { description: "gradients computed in training" },
  },
  primary: "ratio",
  aggregators: [matchedAverage, redistillation],
  figures,
  sharesParams: () => true,
  create: (options: Options) => {
    const teacher = drawTeacher(options);
    const coordinator = new Coordinator(options, teacher);
    return {
      start: (context) => Promise.resolve(coordinator.start(context)),
      openShard: (shard: Shard) => Promise.resolve(new DistillingClient(options, teacher, shard)),
      step: (round, aggregate) => coordinator.step(round, aggregate),
    };
  },
});
