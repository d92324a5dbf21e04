import type { AggregatorPlugin, Loaders } from "@fedclair/core";

/**
 * Loaders of every aggregator that a trial file can name but CLAIR. Each is imported only when a
 * trial names it: all of them take a tenth of a second in every process and thread.
 */
export const aggregatorLoaders = {
  fedavg: async () => (await import("./fedavg/index.js")).fedavg,
  fedit: async () => (await import("./fedit/index.js")).fedit,
  "fedsa-lora": async () => (await import("./fedsa-lora/index.js")).fedsaLora,
  "ffa-lora": async () => (await import("./ffa-lora/index.js")).ffaLora,
  flora: async () => (await import("./flora/index.js")).flora,
  local: async () => (await import("./local/index.js")).local,
  "coordinate-median": async () =>
    (await import("./coordinate-median/index.js")).coordinateMedianAggregator,
  "trimmed-mean": async () => (await import("./trimmed-mean/index.js")).trimmedMeanAggregator,
  krum: async () => (await import("./krum/index.js")).krumAggregator,
  "multi-krum": async () => (await import("./krum/index.js")).multiKrumAggregator,
  bulyan: async () => (await import("./bulyan/index.js")).bulyanAggregator,
  meamed: async () => (await import("./meamed/index.js")).meamedAggregator,
  mda: async () => (await import("./mda/index.js")).mdaAggregator,
  caf: async () => (await import("./caf/index.js")).cafAggregator,
  "geometric-median": async () =>
    (await import("./geometric-median/index.js")).geometricMedianAggregator,
  "norm-clip": async () => (await import("./norm-clip/index.js")).normClipAggregator,
  "centered-clipping": async () =>
    (await import("./centered-clipping/index.js")).centeredClippingAggregator,
  fltrust: async () => (await import("./fltrust/index.js")).fltrustAggregator,
  monna: async () => (await import("./monna/index.js")).monnaAggregator,
  nnm: async () => (await import("./nnm/index.js")).nnm,
  bucketing: async () => (await import("./bucketing/index.js")).bucketing,
  dnc: async () => (await import("./dnc/index.js")).dnc,
} satisfies Loaders<AggregatorPlugin>;
