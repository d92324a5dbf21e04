/*
 * The trials of the fingerprint. Values are set as by `fedclair run --set path=value`.
 */

/** Set in every trial, so that no client is lost because the machine is busy. */
export const always = {
  "limits.clientSeconds": 600,
  "limits.answerSeconds": 900,
  "limits.joinSeconds": 300,
};

const short = (sweeps, rounds = 2 * sweeps) => ({ rounds, "task.sweeps": sweeps });

const shortTransport = {
  rounds: 20,
  "task.schedule": 20,
  "task.measureEvery": 10,
  "task.samples": 400,
  "task.evaluationSamples": 100,
};

/** Fewer rounds, clients or steps for the long shipped trials. All others run unchanged. */
export const shorter = {
  "trials/text-copy/sotu.yaml": {
    rounds: 2,
    clients: 12,
    "attacks.0.count": 2,
    "attacks.1.count": 2,
    "task.localSteps": 4,
    "task.evaluationSequences": 32,
  },
  "trials/text-copy/synthetic.yaml": {
    rounds: 2,
    "task.localSteps": 5,
    "task.evaluationSequences": 32,
  },
  "trials/scale/million.yaml": {
    rounds: 2,
    clients: 2100,
    "cohort.count": 1050,
  },
  "trials/digits/iid-label-flip.yaml": { rounds: 2, "task.baseDigits": 7000 },
  "trials/digits/input-side.yaml": { rounds: 2 },
  "trials/digits/dirichlet-label-flip.yaml": { rounds: 2 },
  "libs/methods/copy-average/trials/sign-flip.yaml": { rounds: 2 },
  "libs/methods/copy-average/trials/other-teacher.yaml": { rounds: 2 },
  "libs/methods/alberdice/trials/bridge-clean.yaml": short(3),
  "libs/methods/alberdice/trials/bridge-flip.yaml": short(3),
  "libs/methods/alberdice/trials/bridge-noise.yaml": short(3),
  "libs/methods/alberdice/trials/bridge-permute.yaml": short(3),
  "libs/methods/alberdice/trials/bridge-reverse.yaml": short(3),
  "libs/methods/alberdice/trials/bridge-reverse-unscreened.yaml": short(3),
  "libs/methods/alberdice/trials/network-bridge.yaml": short(5, 14),
  "libs/methods/alberdice/trials/network-bridge-mix.yaml": short(5, 13),
  "libs/methods/alberdice/trials/network-bridge-permute.yaml": {
    ...short(2, 6),
    "task.learner.dataSteps": 60,
  },
  "libs/methods/alberdice/trials/network-bridge-sign-flip.yaml": {
    ...short(2, 6),
    "task.learner.dataSteps": 60,
  },
  "libs/methods/alberdice/trials/network-xor.yaml": short(4, 9),
  "libs/methods/value-driven-transport/trials/conditional.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/eight-modes.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/eight-modes-longer.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/independent-pairs.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/modes-to-moons.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/moons.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/moons-to-modes.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/scurve.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/one-mode-each.yaml": shortTransport,
  "libs/methods/value-driven-transport/trials/contaminated.yaml": {
    rounds: 3,
    "task.measureEvery": 2,
    "task.evaluationSamples": 100,
  },
  "libs/methods/value-driven-transport/trials/one-shot.yaml": {
    "task.baseSteps": 200,
    "task.localSteps": 50,
    "task.evaluationSamples": 200,
  },
};

/** An entry of `attacks`. */
const attack = (name, options = {}, whom = { count: 3 }) => ({
  attack: { name, ...options },
  ...whom,
});
const one = { count: 1 };
const two = { count: 2 };
const bad = (kind, whom, options = {}) => attack("contaminated-data", { kind, options }, whom);

/** An entry of `baselines`. */
const arm = (name, options = {}, label = name) => ({ label, aggregator: { name, ...options } });
const clair = (options) => ({ name: "clair", ...options });

/** Changes the options of a variation: `task` key by key, all others as a whole. */
const withChanges = (base, task, rest = {}) => ({
  ...base,
  ...rest,
  task: { ...base.task, ...task },
});

const digits = {
  task: { name: "digits", model: "mlp", uniformDigits: 100, baseDigits: 9000 },
  rounds: 2,
  clients: 8,
  aggregator: clair({ rank: 2 }),
  baselines: [arm("fedavg")],
  attacks: [attack("label-flip", {}, two)],
};

const transport = {
  rounds: 4,
  clients: 8,
  attacks: [bad("stealth", two)],
  baselines: [arm("clair", { side: "both", rankMax: 4, window: 2 })],
  task: {
    name: "value-driven-transport",
    samples: 100,
    schedule: 4,
    localSteps: 3,
    hidden: 12,
    horizon: 4,
    batchSize: 16,
    sourceBatchSize: 32,
    measureEvery: 2,
    evaluationSamples: 60,
    baseSteps: 20,
  },
};

/** Two phases, and clients that are rarely sampled. */
const phases = {
  rounds: 5,
  clients: 20,
  cohort: { fraction: 0.3 },
  aggregator: clair({ rank: 3 }),
  attacks: [bad("permute", { count: 4 })],
  "task.sweeps": 2,
  "task.environment": { name: "bridge", random: 0, optimal: 10 },
  "task.learner": { name: "network", hidden: 12, steps: 5, dataRounds: 2, dataSteps: 40 },
};

const copies = {
  rounds: 2,
  clients: 8,
  "attacks.0.count": 2,
  task: { name: "copy-average", k: 4, n: 2, d: 8 },
  aggregator: clair({ rank: 4 }),
  baselines: [
    arm("matched-average", { activation: "relu" }),
    arm("redistillation", { activation: "relu" }),
    arm("coordinate-median"),
  ],
};

const panels = {
  clients: 12,
  "task.scheduler": { rounds: 20 },
  attacks: [bad("spike")],
  baselines: [arm("moment-subspace", { trim: 0.1, factor: 3 })],
};

/**
 * Variations that cover options which no shipped trial uses: the options of each variation by its
 * name, by trial file from the workspace's root. `{data}` stands for the folder of `makeData`.
 */
export const variations = {
  "scripts/fingerprint/aggregators.yaml": {
    all: {},
    "cohort-fraction": { cohort: { fraction: 0.5 } },
    "cohort-count": { cohort: { count: 9 } },
    "not-measured": { evaluate: "never", rounds: 2 },
    "all-benign": { attacks: [], rounds: 1 },
    broken: {
      rounds: 2,
      attacks: ["nan", "shape", "crash"].map((kind) => attack("broken", { kind }, one)),
    },
    silent: {
      rounds: 1,
      baselines: [],
      "limits.clientSeconds": 10,
      attacks: [attack("broken", { kind: "silent" }, one)],
    },
    quorum: { attacks: [attack("broken", {}, { count: 10 })] },
    private: {
      rounds: 2,
      cohort: { fraction: 0.5 },
      mods: [
        { name: "differential-privacy", clip: 5, noiseMultiplier: 0.01, sampling: "secret" },
        { name: "encoding", dtype: "bf16" },
      ],
    },
    quantised: { rounds: 2, mods: [{ name: "encoding", dtype: "int8" }] },
    momentum: { rounds: 3, mods: [{ name: "worker-momentum" }] },
  },
  "scripts/fingerprint/clair.yaml": {
    all: {},
    cohort: { cohort: { count: 7 }, rounds: 6 },
    colluding: { attacks: [attack("colluding-subspace", { rank: 2 }, { count: 5 })] },
    seed: { seed: 3, "aggregator.seed": 5, clients: 24 },
    // Modules of more than 256 rows and columns are sketched.
    sketch: {
      rounds: 1,
      clients: 6,
      task: { name: "denoising", p: 272, q: 260, rank: 2 },
      aggregator: clair({ rank: 2, side: "both" }),
      baselines: [arm("clair", { rank: 2 }, "left")],
      attacks: [attack("gaussian-update", {}, one)],
    },
    few: { clients: 4, attacks: [] },
    "hold-back": { holdBack: 0.2, cohort: { count: 7 }, rounds: 3 },
  },
  "scripts/fingerprint/attacks.yaml": {
    none: {},
    "gaussian-update": { attacks: [attack("gaussian-update", { scale: 3 })] },
    "sign-flip": { attacks: [attack("sign-flip", { scale: 2 }, { fraction: 0.25 })] },
    scaling: { attacks: [attack("scaling", { factor: 20 }, { clients: ["c00", "c07"] })] },
    stale: { attacks: [attack("stale")] },
    "stale-cohort": {
      cohort: { count: 6 },
      attacks: [attack("stale", { delay: 1 }, { count: 6 })],
    },
    "free-rider": { attacks: [attack("free-rider")] },
    "free-rider-noise": { attacks: [attack("free-rider", { kind: "noise", scale: 0.1 })] },
    "free-rider-last": { attacks: [attack("free-rider", { kind: "last" })] },
    "free-rider-last-cohort": {
      cohort: { count: 6 },
      attacks: [attack("free-rider", { kind: "last" }, { count: 6 })],
    },
    alie: { attacks: [attack("alie")] },
    ipm: { attacks: [attack("ipm", { epsilon: 1.5 })] },
    "min-max": { attacks: [attack("min-max")] },
    "colluding-random": { attacks: [attack("colluding-subspace", { scale: 2, rank: 2 })] },
    "colluding-same": { attacks: [attack("colluding-subspace", { kind: "same" })] },
    "colluding-line": { attacks: [attack("colluding-subspace", { kind: "line" })] },
    masked: { attacks: [attack("masked", { rank: 2, off: 0.3, scale: 2 })] },
    backdoor: { attacks: [attack("backdoor", { scale: 1.5 })] },
    several: {
      attacks: [
        attack("backdoor", {}, one),
        attack("stale", {}, two),
        attack("alie", {}, one),
        attack("free-rider", { kind: "last" }, one),
      ],
    },
  },
  "scripts/fingerprint/adapters.yaml": {
    all: {},
    cohort: { cohort: { count: 5 } },
    // FFA-LoRA expects a frozen A, which no shipped task has, so the run prints a notice.
    "ffa-lora": { aggregator: { name: "ffa-lora" }, baselines: [] },
    "attacks-on-pairs": {
      clients: 16,
      rounds: 2,
      attacks: [
        attack("sign-flip", {}, one),
        attack("stale", { delay: 1 }, one),
        attack("alie", {}, one),
        attack("min-max", {}, one),
        attack("masked", {}, one),
        attack("backdoor", {}, one),
        attack("colluding-subspace", { kind: "line" }, two),
        attack("free-rider", { kind: "last" }, one),
      ],
    },
    "attacks-on-labels": {
      rounds: 1,
      clients: 10,
      attacks: [
        attack("label-noise", { probability: 0.8 }, one),
        attack("label-flip", {}, one),
        attack("target-shift", { shift: 3 }, one),
        attack("free-rider", { kind: "noise" }, one),
      ],
    },
    folder: { clients: 4, rounds: 2, attacks: [], "task.source": { folder: "{data}/texts" } },
    uneven: {
      rounds: 2,
      "task.concentration": 0.1,
      "task.rank": 3,
      "task.learningRate": 0.05,
    },
  },
  "trials/linear-regression/gaussian.yaml": {
    longer: {
      rounds: 3,
      cohort: { fraction: 0.6 },
      "aggregator.window": 3,
      "task.noise": 3,
      "task.dataSeed": 2,
    },
  },
  "trials/network/negated.yaml": {
    longer: {
      rounds: 3,
      cohort: { count: 7 },
      "aggregator.window": 3,
      task: {
        name: "network",
        inputs: 6,
        hidden: 10,
        outputs: 8,
        rank: 1,
        noise: 0.2,
        localSteps: 60,
        learningRate: 0.05,
        testSamples: 300,
        dataSeed: 2,
      },
    },
  },
  "trials/denoising/gaussian-001.yaml": {
    common: {
      rounds: 2,
      "aggregator.centered": true,
      "task.common": 0.9,
      "task.heterogeneity": 0.3,
      "task.dataSeed": 2,
    },
  },
  "trials/text-copy/synthetic.yaml": {
    frozen: { ...shorter["trials/text-copy/synthetic.yaml"], "task.trainA": false },
    lasting: {
      ...shorter["trials/text-copy/synthetic.yaml"],
      "task.adapters": "lasting",
      aggregator: { name: "fedsa-lora" },
      baselines: [arm("fedit")],
    },
  },
  "trials/text-copy/own-data.yaml": {
    dealt: { rounds: 1, "task.partition": { by: "iid" } },
  },
  "trials/digits/own-data.yaml": {
    classes: { rounds: 2, "task.source.classes": ["row", "diagonal", "column"] },
  },
  "libs/methods/value-driven-transport/trials/own-data.yaml": {
    classes: {
      rounds: 3,
      "task.schedule": 3,
      "task.conditional": true,
      "task.target": {
        file: "trials/digits/data/shapes.csv",
        columns: { label: "shape", client: "writer" },
      },
    },
  },
  "trials/digits/iid-label-flip.yaml": {
    logistic: withChanges(digits, { model: "logistic" }),
    proximal: withChanges(digits, { proximal: 0.1 }),
    shards: withChanges(digits, { partition: { by: "shards", perClient: 3 }, dataSeed: 2 }),
    quantity: withChanges(digits, {
      partition: { by: "quantity", sigma: 0.5, minimum: 20 },
      featureNoise: 0.3,
    }),
    dirichlet: withChanges(
      digits,
      { partition: { by: "dirichlet", alpha: 1, minimum: 20 } },
      { cohort: { fraction: 0.5 } },
    ),
    natural: withChanges(
      digits,
      {
        source: { folder: "{data}/digits" },
        partition: { by: "natural" },
        uniformDigits: 20,
        baseDigits: 20,
        hidden: 8,
      },
      { clients: 4, attacks: [] },
    ),
    lora: withChanges(digits, {
      model: "lora",
      hidden: 16,
      rank: 3,
      baseEpochs: 1,
      localEpochs: 2,
      batchSize: 16,
    }),
  },
  "libs/methods/value-driven-transport/trials/contaminated.yaml": {
    fedavg: transport,
    gradient: withChanges(transport, { mode: "gradient" }),
    "gradient-cohort": withChanges(transport, { mode: "gradient" }, { cohort: { count: 4 } }),
    lora: withChanges(transport, { mode: "lora", rank: 2 }),
    modes: withChanges(transport, { split: { modes: 3 } }),
    dirichlet: withChanges(transport, { split: { dirichlet: 0.3 }, target: "gaussians8-moved" }),
    conditional: withChanges(transport, { conditional: true, guidance: 2 }),
    independent: withChanges(transport, { coupling: "independent", source: "scurve" }),
    normal: withChanges(
      transport,
      { target: "normal", source: "gaussians8-moved", eps: 0.2, lambda0: 0.5 },
      { attacks: [bad("heavy", two)] },
    ),
    flow: withChanges(transport, {
      method: "flow-matching",
      mode: "gradient",
      measureSteps: [1, 4],
    }),
    "ot-cfm": withChanges(transport, { method: "ot-cfm" }),
    scurve: withChanges(
      transport,
      { target: "scurve", source: "gaussians8", mode: "gradient" },
      { attacks: [bad("heavy", two)] },
    ),
  },
  "libs/methods/alberdice/trials/xor-reverse.yaml": {
    average: { "task.mode": "local-then-average", "task.sweeps": 6, rounds: 1 },
    strict: { "task.enforceClip": true, "task.clip": 2, rounds: 6 },
    median: { "task.pooling": "median", rounds: 6, aggregator: clair({ rank: 1 }) },
    cloning: { "task.method": "behaviour-cloning", rounds: 2 },
    optidice: { "task.method": "optidice", rounds: 2 },
    independent: { "task.method": "independent-dice", rounds: 2 },
    "one-of": { "task.environment": { name: "one-of", agents: 4, samples: 10 }, rounds: 4 },
    share: { rounds: 6, "aggregator.share": 0.8, cohort: { count: 7 } },
    "random-data": {
      rounds: 6,
      attacks: [
        bad("random", two),
        bad("reverse", one, { factor: -1 }),
        bad("noise", one, { scale: 2 }),
      ],
    },
    payoff: {
      rounds: 6,
      "task.environment": {
        name: "matrix",
        payoff: [
          [1, 0, 2],
          [0, 3, 0],
        ],
        data: [
          [0, 0],
          [1, 1],
        ],
        samples: 20,
      },
      "task.gamma": 0.9,
      "task.eps": 0.01,
      "task.sigma": 0.2,
    },
  },
  "libs/methods/alberdice/trials/xor-agents.yaml": {
    measured: { rounds: 6, "task.sweeps": 3, evaluate: "cohort" },
  },
  "libs/methods/alberdice/trials/bridge-reverse.yaml": {
    cohort: { ...short(2), cohort: { count: 7 }, "aggregator.window": 3 },
    median: {
      ...short(2),
      "task.pooling": "median",
      "task.environment": { name: "bridge", random: 10, limit: 12 },
    },
  },
  "libs/methods/alberdice/trials/network-xor.yaml": {
    hidden: {
      ...short(2, 5),
      clients: 8,
      "task.learner.hidden": 8,
      aggregator: clair({ rank: 2 }),
    },
    robust: {
      ...short(2, 5),
      aggregator: { name: "centered-clipping" },
      attacks: [attack("free-rider", { kind: "noise" }, one)],
      baselines: [arm("coordinate-median"), arm("clair", { rank: 2 })],
    },
  },
  "libs/methods/alberdice/trials/network-bridge-permute.yaml": {
    window: { ...phases, aggregator: clair({ rank: 3, window: 4 }) },
    stale: { ...phases, attacks: [attack("stale", { delay: 1 }, { count: 6 })] },
    "free-rider-last": {
      ...phases,
      attacks: [attack("free-rider", { kind: "last" }, { count: 6 })],
    },
  },
  "libs/methods/graph-learning/trials/mixed.yaml": {
    "erdos-renyi": {
      "task.graph": { model: "erdos-renyi", probability: 0.3 },
      "task.nodes": 12,
      seed: 2,
    },
    highpass: {
      "task.filter": "highpass",
      "task.nodes": 10,
      "task.graph": { model: "barabasi-albert", attachments: 3 },
      "task.alpha": 2,
      "task.dataSeed": 2,
    },
    rspect: { "task.model": "rspect", "task.nodes": 12, "task.c0": 0.05 },
    ladmm: {
      "task.solver": "ladmm",
      "task.nodes": 8,
      "task.maxIterations": 2000,
      "task.tolerance": 0.001,
    },
    longer: {
      rounds: 2,
      evaluate: "cohort",
      cohort: { count: 9 },
      "task.threshold": 0.1,
      "task.nodes": 12,
    },
    thresholds: {
      aggregator: { name: "covariance-distance", threshold: 1.2 },
      baselines: [arm("covariance-low-rank", { threshold: 3 })],
    },
  },
  "libs/methods/graph-learning/trials/collaboration.yaml": {
    ladmm: {
      "task.solver": "ladmm",
      "task.inputs": 20,
      "task.samples": 40,
      "task.maxIterations": 2000,
    },
    longer: {
      rounds: 2,
      cohort: { count: 10 },
      task: {
        name: "collaboration-graph",
        groups: [5, 9],
        inputs: 30,
        noise: 0.5,
        common: 0.5,
        spread: 0.3,
        c0: 0.2,
        tolerance: 1e-4,
        alpha: 2,
        dataSeed: 2,
      },
    },
  },
  "libs/methods/copy-average/trials/other-teacher.yaml": {
    relu: withChanges(copies, { activation: "relu" }),
    sine: withChanges(copies, { activation: "sine" }),
    shared: withChanges(copies, { init: "shared" }),
    cohort: withChanges(copies, { weightNoise: 0.1, teacherSeed: 8 }, { cohort: { count: 5 } }),
  },
  "libs/methods/evaluation-bias/trials/fabricated.yaml": {
    spike: panels,
    convicted: { ...panels, seed: 402, attacks: [bad("spike", { count: 5 })] },
    noise: {
      ...panels,
      "task.noiseMultiplier": 1,
      "task.bins": 30,
      "task.features": 6,
      "task.lo": -4,
      "task.hi": 4,
      "task.tauSpread": 0.05,
      "task.referenceScores": 1500,
      "task.minCount": 50,
    },
    few: { ...panels, "task.panelScores": 100, "task.selection": { c: 0.2, rho: 0.3 } },
    panels: {
      ...panels,
      rounds: 3,
      cohort: { count: 9 },
      "task.panels": [
        { alpha: 1, tau: 1.2 },
        { alpha: 3, tau: 1.3 },
      ],
      "task.alphaSpread": 0.3,
      attacks: [bad("spike", two, { share: 0.7, mean: 2 }), bad("inside", one, { alpha: 0.5 })],
      baselines: [arm("moment-subspace", { maxRank: 3, slack: 1.5, floorFactor: 1.5 })],
    },
  },
};
