// Rows of a bench. The sides alternate, so that other load on the machine affects both alike.
import { Peer } from "./peer.js";

/** Smallest number of runs of each side, after one that warms up. */
export const minTimes = 5;

/**
 * @typedef {object} Side a function that is timed or returns `{ ms, facts, versions }` itself, or a
 *   file
 *   of bench/peers
 * @property {() => unknown} [run]
 * @property {string} [peer]
 * @property {object} [options] options of the peer's `prepare`
 * @property {number} [per] units of work in a run; default 1
 * @property {boolean} [once] run it once, without a warm-up, because it takes minutes
 *
 * @typedef {object} Item a row to measure
 * @property {string} name includes the unit of work, for example "one client's update"
 * @property {number} [cores] number of cores that a side may use; default 1
 * @property {string} [backend] backend of TensorFlow.js, if it is used
 * @property {number} [passes] runs of each side, without one that warms up: for commands that take
 *   long
 * @property {Record<string, Side>} sides by name, `fedclair` first
 */

/**
 * @param {Item} item
 * @param {{ times: number, python?: string }} how without a Python, sides that need one are left
 *   out
 * @returns {Promise<Item & { sides: Record<string, { samples: number[], facts: object,
 *   versions?: object }> }>} samples in milliseconds per unit of work
 */
export async function measure({ name, cores = 1, backend, passes, sides }, { times, python }) {
  const runners = new Map();
  try {
    for (const [side, { run, peer, options = {}, per = 1, once = false }] of Object.entries(
      sides,
    )) {
      if (peer === undefined) runners.set(side, { run: () => timeRun(run), per, once });
      else if (python !== undefined) {
        const other = await Peer.start(python, peer, options);
        runners.set(side, { run: () => other.run(), per, once, other });
      }
    }
    const samples = new Map([...runners.keys()].map((side) => [side, []]));
    const facts = new Map();
    const versionsBySide = new Map();
    for (let time = passes === undefined ? 0 : 1; time <= (passes ?? times); time++) {
      const order = [...runners];
      for (const [side, { run, per, once }] of time % 2 === 0 ? order : order.reverse()) {
        if (once && time !== 1) continue;
        const { ms, facts: measured, versions } = await run();
        if (time > 0) samples.get(side).push(ms / per);
        facts.set(side, measured);
        if (versions) versionsBySide.set(side, versions);
      }
    }
    const results = [...runners].map(([side, { other }]) => {
      const versions = other?.versions ?? versionsBySide.get(side);
      const result = { samples: samples.get(side), facts: facts.get(side) ?? {} };
      return [side, { ...result, ...(versions && { versions }) }];
    });
    return { name, cores, ...(backend && { backend }), sides: Object.fromEntries(results) };
  } finally {
    for (const { other } of runners.values()) await other?.close();
  }
}

async function timeRun(run) {
  const start = performance.now();
  const result = await run();
  const ms = performance.now() - start;
  return { ms, ...result };
}
