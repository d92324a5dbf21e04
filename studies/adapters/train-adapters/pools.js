// Pools that `npm run adapters -- --part pools` trains, as options of train_pool.py. The thresholds
// of CLAIR are calibrated on them.

const shapes = {
  attention: { rank: 4, modules: "q,v" },
  "attention-8": { rank: 8, modules: "q,k,v,o" },
  mlp: { rank: 16, modules: "gate,up,down" },
  all: { rank: 4, modules: "q,k,v,o,gate,up,down", rslora: true },
};

/** Learning rates of AdamW with which ten steps are enough to learn something. */
const rates = { attention: "2e-3", "attention-8": "1.5e-3", mlp: "1e-3", all: "1e-3" };

/** Ranges of rates with which 28 steps are not too many. */
const ownRates = {
  attention: "7e-4:3e-3",
  "attention-8": "7e-4:3e-3",
  mlp: "3e-4:1.2e-3",
  all: "4e-4:1.5e-3",
};

/** Rates with which 60 steps are: the held-out loss is lowest after about half of them. */
const longRates = { "attention-8": "2e-3", mlp: "5e-4" };

/** The most different pools come first. A pool's seed is its place. */
export const pools = [
  even("python", "attention"),
  uneven("readmes", "attention-8"),
  even("manuals", "mlp"),
  even("translations", "all", { ownA0: true }),
  uneven("licences", "attention", { ownA0: true }),
  even("speeches", "attention-8"),
  uneven("headers", "mlp", { rates: "2e-4:8e-4" }), // headers repeat themselves
  even("perl", "all"),
  long("python", "attention-8"),
  even("readmes", "mlp", { ownA0: true }),
  uneven("manuals", "attention-8", { ownA0: true }),
  uneven("translations", "attention"),
  even("licences", "all"),
  uneven("speeches", "mlp"),
  even("headers", "attention-8", { ownA0: true }),
  uneven("perl", "attention", { ownA0: true }),
  uneven("python", "all"),
  long("speeches", "mlp"),
  even("fortunes", "mlp"),
  uneven("fortunes", "attention-8"),
].map((one, place) => ({ ...one, seed: place + 1 }));

/** All clients take ten steps. */
function even(kind, shape, options = {}) {
  return pool(kind, shape, {
    length: "even",
    half: 0,
    steps: "10",
    rates: rates[shape],
    ...options,
  });
}

/** Each client has its own number of steps and its own rate. */
function uneven(kind, shape, options = {}) {
  const own = { length: "uneven", half: 1, steps: "7:28", rates: ownRates[shape] };
  return pool(kind, shape, { ...own, ...options });
}

/** Clients train so long on 24 sequences that they learn them by heart. */
function long(kind, shape) {
  return pool(kind, shape, { length: "long", half: 1, steps: "60", rates: longRates[shape] });
}

function pool(kind, shape, { length, ...options }) {
  return { name: `${kind}-${length}`, kind, ...shapes[shape], ...options };
}

/** Formats a pool as options of train_pool.py. */
export function poolOptions({ kind, half, rank, modules, rslora, ownA0, steps, rates, seed }) {
  return [
    ...["--kind", kind, "--half", String(half), "--rank", String(rank), "--modules", modules],
    ...["--steps", steps, "--rates", rates, "--seed", String(seed)],
    ...(rslora ? ["--rslora"] : []),
    ...(ownA0 ? ["--own-a0"] : []),
  ];
}
