// Rows of a bench: both sides in turn, so that what else the machine does falls on both alike.
import { Peer } from "./peer.js";

/** Runs of each side that count, after one that does not. */
export const leastTimes = 5;

/**
 * @typedef {object} Side a function that is timed, or says `{ ms, facts, versions }` itself; or a file of bench/peers
 * @property {() => unknown} [run]
 * @property {string} [peer]
 * @property {object} [options] what the peer's `prepare` takes
 * @property {number} [per] units of work in a run; default 1
 * @property {boolean} [once] it takes minutes: it runs once, without one to warm up
 *
 * @typedef {object} Item a row to be
 * @property {string} name with the unit of work, as "ms a client step"
 * @property {number} [cores] that a side may use; default 1
 * @property {string} [backend] of TensorFlow.js, where it computes
 * @property {Record<string, Side>} sides by name, `fedclair` first
 */

/**
 * @param {Item} item
 * @param {{ times: number, python?: string }} how without a Python, sides that need one are left out
 * @returns {Promise<Item & { sides: Record<string, { samples: number[], facts: object, versions?: object }> }>} milliseconds a unit
 */
export async function measure({ name, cores = 1, backend, sides }, { times, python }) {
  const runners = new Map();
  try {
    for (const [side, { run, peer, options = {}, per = 1, once = false }] of Object.entries(
      sides,
    )) {
      if (peer === undefined) runners.set(side, { run: () => timed(run), per, once });
      else if (python !== undefined) {
        const other = await Peer.start(python, peer, options);
        runners.set(side, { run: () => other.run(), per, once, other });
      }
    }
    const samples = new Map([...runners.keys()].map((side) => [side, []]));
    const facts = new Map();
    const made = new Map();
    for (let time = 0; time <= times; time++) {
      const order = [...runners];
      for (const [side, { run, per, once }] of time % 2 === 0 ? order : order.reverse()) {
        if (once && time !== 1) continue;
        const { ms, facts: told, versions } = await run();
        if (time > 0) samples.get(side).push(ms / per);
        facts.set(side, told);
        if (versions) made.set(side, versions);
      }
    }
    const told = [...runners].map(([side, { other }]) => {
      const versions = other?.versions ?? made.get(side);
      const found = { samples: samples.get(side), facts: facts.get(side) ?? {} };
      return [side, { ...found, ...(versions && { versions }) }];
    });
    return { name, cores, ...(backend && { backend }), sides: Object.fromEntries(told) };
  } finally {
    for (const { other } of runners.values()) await other?.close();
  }
}

async function timed(run) {
  const start = performance.now();
  const told = await run();
  const ms = performance.now() - start;
  return { ms, ...told };
}
