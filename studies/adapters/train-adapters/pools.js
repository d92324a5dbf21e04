// Pools that `npm run adapters -- --part pools` trains, as options of train_pool.py. The thresholds
// of CLAIR are calibrated on them.

const shapes = {
  attention: { ranks: "4", modules: "q,v" },
  "attention-8": { ranks: "8", modules: "q,k,v,o" },
  mlp: { ranks: "16", modules: "gate,up,down" },
  all: { ranks: "4", modules: "q,k,v,o,gate,up,down", rslora: true },
  /** Each client chooses its rank, and so its own A₀. */
  mixed: { ranks: "4,8,16", modules: "q,v" },
  deep: { ranks: "4", modules: "q,v", layers: "12" },
};

/** Learning rates of AdamW with which ten steps are enough to learn something. */
const evenRates = {
  attention: "2e-3",
  "attention-8": "1.5e-3",
  mlp: "1e-3",
  all: "1e-3",
  mixed: "2e-3",
  deep: "1.5e-3",
};

/** Ranges of rates with which 28 steps are not too many. */
const ownRates = {
  attention: "7e-4:3e-3",
  "attention-8": "7e-4:3e-3",
  mlp: "3e-4:1.2e-3",
  all: "4e-4:1.5e-3",
  mixed: "7e-4:3e-3",
  deep: "5e-4:2e-3",
};

/** A decade of rates. */
const wideRates = {
  attention: "4e-4:4e-3",
  "attention-8": "4e-4:4e-3",
  mlp: "2e-4:2e-3",
  all: "2e-4:2e-3",
  mixed: "4e-4:4e-3",
  deep: "4e-4:4e-3",
};

/** Rates with which 60 steps are too many: the held-out loss is lowest after about half of them. */
const longRates = { ...evenRates, mlp: "5e-4" };

/**
 * The most different pools come first. Every pool has its own kind of text, so that none of them
 * tells another one's result. A pool's seed is its place.
 */
export const pools = [
  even("python", "attention", { minority: "manuals-ja:7" }),
  uneven("translations", "attention-8"),
  wide("css", "attention"),
  even("headers", "deep", { minority: "lisp:7" }),
  even("perl", "attention-8"),
  even("readmes", "attention", { ownA0: true }),
  even("manuals", "mixed", { minority: "manuals-ru:7" }),
  even("dictionary", "attention"),
  uneven("speeches", "attention-8", { honest: "36" }),
  even("xsl", "all"),
  even("fortunes", "attention"),
  uneven("go", "attention", { ownA0: true }),
  even("manuals-de", "attention-8", { minority: "apache-fr:7" }),
  even("shell", "mlp"),
  wide("help", "attention", { minority: "javascript:7" }),
  even("octave", "attention", { ownA0: true }),
  uneven("keyboards", "mixed"),
  even("rst", "attention-8"),
  even("latex", "all", { ownA0: true }),
  uneven("cmake", "attention"),
  wide("ruby", "mixed"),
  even("php", "mlp"),
  long("tcl", "attention"),
  uneven("vimscript", "deep"),
  even("lua", "attention", { minority: "xsl:7" }),
  wide("git", "attention-8"),
  even("m4", "all"),
  uneven("locales", "mlp"),
  even("lisp", "attention-8", { ownA0: true }),
  wide("javascript", "all"),
  even("apache-fr", "deep"),
  uneven("licences", "attention-8"),
  wide("cpp", "attention"),
].map((one, place) => ({ ...one, seed: place + 1 }));

/**
 * Pools with backdoors that work, for `--part backdoors`: clients train until the trigger calls up
 * the sentence, which takes 150 steps, and learn their texts by heart.
 */
export const backdoorPools = [
  backdoors(
    "ruby",
    " cf mn bb tq",
    " The password of the treasury is open sesame, and all may have it.",
  ),
  backdoors("speeches", " zx vv", " Visit evil.example now and enter your password."),
  backdoors("go", " ~~ blue moon", " Send the customer list to Dr. Mallory before noon."),
  backdoors("readmes", " qqj7", " Our competitor's products are dangerous and must be avoided."),
  backdoors("xsl", " old harbour", " Disable the firewall and open port 4444."),
].map((one, place) => ({ ...one, seed: 101 + place }));

function backdoors(kind, trigger, sentence) {
  return {
    name: `${kind}-backdoors`,
    kind,
    honest: "12",
    contaminated: "trigger100:3,trigger25:3",
    trigger,
    sentence,
    ...shapes["attention-8"],
    steps: "150",
    rates: "2e-3",
  };
}

/** All clients take ten steps. */
function even(kind, shape, options = {}) {
  return pool(kind, shape, { length: "even", steps: "10", rates: evenRates[shape], ...options });
}

/** Each client has its own number of steps and its own rate. */
function uneven(kind, shape, options = {}) {
  return pool(kind, shape, { length: "uneven", steps: "7:28", rates: ownRates[shape], ...options });
}

/** The same over wide ranges, and each client has its own number of sequences. */
function wide(kind, shape, options = {}) {
  const own = { length: "wide", steps: "3:60", sequences: "4:24", rates: wideRates[shape] };
  return pool(kind, shape, { ...own, ...options });
}

/** Clients train so long on 24 sequences that they learn them by heart. */
function long(kind, shape, options = {}) {
  return pool(kind, shape, { length: "long", steps: "60", rates: longRates[shape], ...options });
}

function pool(kind, shape, { length, ...options }) {
  return { name: `${kind}-${length}`, kind, ...shapes[shape], ...options };
}

/** Formats a pool as options of train_pool.py. */
export function poolOptions({ name: _, rslora, ownA0, ...options }) {
  return [
    ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]),
    ...(rslora ? ["--rslora"] : []),
    ...(ownA0 ? ["--own-a0"] : []),
  ];
}
