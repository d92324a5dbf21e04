// Where the time of a client's update goes, from the timings.jsonl of a run: LR-MNIST in one
// process, and over sockets with one host.
import { runFedclair, readTimings } from "../harness/fedclair.js";
import { cohort, lrMnist } from "../lr-mnist/data.js";

export const title =
  "phases of a client's update, LR-MNIST; encode and decode in the coordinator, send is the rest of the wire";

const rounds = 50;
const ways = { "in memory": ["--transport", "memory"], "over sockets": ["--hosts", "1"] };

/** @param {{ times: number }} how */
export async function* items({ times }) {
  const { trial } = await lrMnist();
  for (const [way, options] of Object.entries(ways)) {
    const runs = [];
    for (let time = 0; time <= times; time++) runs.push(await measurePhases(trial, options));
    for (const phase of Object.keys(runs[0])) {
      const samples = runs.map((one) => one[phase]);
      const run = () => ({ ms: samples.shift() });
      yield { name: `${phase}, ${way}`, sides: { fedclair: { run } } };
    }
  }
}

/**
 * Measures milliseconds per update. Training is timed in a run without evaluation, so that only its
 * own messages count.
 */
async function measurePhases(trial, options) {
  const set = ["--set", `rounds=${rounds}`, "--set", "task.uniformDigits=500", ...options];
  const { out } = await runFedclair(trial, set);
  const { seconds, write, wire } = await sumPhases(out);
  const evaluated = await runFedclair(trial, [...set, "--set", "evaluate=cohort"]);
  const evaluate = (await sumPhases(evaluated.out)).seconds.evaluate;
  const { sample, aggregate } = seconds;
  const train = seconds.train - sample;
  const { encode = 0, decode = 0, work = train } = wire ?? {};
  const transfer = wire && { encode, send: train - encode - decode - work, decode };
  const all = { sample, ...transfer, train: work, aggregate, evaluate, write };
  const updates = (rounds - 1) * cohort;
  return Object.fromEntries(Object.entries(all).map(([name, s]) => [name, (1000 * s) / updates]));
}

/** Adds up all rounds but the first, in which the clients' digits are dealt. */
async function sumPhases(run) {
  const lines = await readTimings(run);
  const [first, ...later] = lines;
  const last = lines.at(-1);
  const sum = (of) => later.reduce((total, line) => total + of(line), 0);
  const since = (key) => last.wire[key] - first.wire[key];
  return {
    seconds: Object.fromEntries(
      Object.keys(first.seconds).map((stage) => [stage, sum(({ seconds }) => seconds[stage])]),
    ),
    write: sum(({ writeSeconds }) => writeSeconds),
    wire: first.wire && {
      encode: since("encodeSeconds"),
      decode: since("decodeSeconds"),
      work: since("workSeconds"),
    },
  };
}
