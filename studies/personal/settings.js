// What `npm run lab -- personal` compares: federations, methods with what is tuned, and attacks.

/** The federations, by the name of their trial in this folder, with the seeds of the short form. */
export const federations = {
  digits: { what: "digits of few classes a client", seeds: 3 },
  fashion: { what: "clothes of few kinds a client", seeds: 3 },
  table: { what: "a table of tumours", seeds: 10 },
};

/** The rule under which fine-tuning and Ditto are run as well. */
const robust = { name: "nnm", fraction: 0.3 };
const fedavg = { name: "fedavg" };

/** The learning rates of the task that every method is tuned over. */
export const rates = [0.03, 0.1, 0.3];

/**
 * An arm. Each of its personal methods in `choices` is tried with each rate.
 * @typedef {{ aggregator: object, choices?: readonly (object | undefined)[] }} Arm
 */

/**
 * The arms by name.
 * @type {Record<string, Arm>}
 */
export const arms = {
  clair: { aggregator: { name: "clair" } },
  alone: { aggregator: { name: "local" } },
  fedavg: { aggregator: fedavg },
  "fedavg, robust": { aggregator: robust },
  "fine-tuned": { aggregator: fedavg, choices: [{ name: "fine-tuned" }] },
  "fine-tuned, robust": { aggregator: robust, choices: [{ name: "fine-tuned" }] },
  ditto: { aggregator: fedavg, choices: withValues("ditto", "lambda", [0.1, 1]) },
  "ditto, robust": { aggregator: robust, choices: withValues("ditto", "lambda", [0.1, 1]) },
  fedper: { aggregator: fedavg, choices: [{ name: "fedper" }] },
  fedrep: { aggregator: fedavg, choices: [{ name: "fedrep" }] },
  apfl: { aggregator: fedavg, choices: [{ name: "apfl" }] },
  pfedme: {
    aggregator: fedavg,
    choices: [
      { name: "pfedme", lambda: 1, eta: 0.3 },
      { name: "pfedme", lambda: 15, eta: 0.03 },
    ],
  },
  ifca: { aggregator: fedavg, choices: withValues("ifca", "models", [2, 4]) },
};

function withValues(name, option, values) {
  return values.map((value) => ({ name, [option]: value }));
}

const attacks = {
  "sign flips": { name: "sign-flip" },
  "label flips": { name: "label-flip" },
  ALIE: { name: "alie" },
};

/** The entries of `attacks` by the name of the condition; the short form runs the first three. */
export const conditions = {
  none: [],
  ...Object.fromEntries(
    [0.3, 0.1].flatMap((fraction) =>
      Object.entries(attacks).map(([name, attack]) => [
        `${100 * fraction} % ${name}`,
        [{ attack, fraction }],
      ]),
    ),
  ),
};

/** The seed on which rates and options are chosen, with nobody contaminated. */
export const tuningSeed = 1001;
