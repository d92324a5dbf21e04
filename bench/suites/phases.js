// Where the time of a client's update goes, from what a run writes to timings.jsonl: LR-MNIST in one process, and over sockets with one host.
import { fedclairRun, timingsOf } from "../harness/fedclair.js";
import { cohort, lrMnist } from "../lr-mnist/data.js";

export const title =
  "phases of a client's update, LR-MNIST; encode and decode are the coordinator's, send is the rest of the wire";

const rounds = 50;
const ways = { "in memory": ["--transport", "memory"], "over sockets": ["--hosts", "1"] };

/** @param {{ times: number }} how */
export async function* items({ times }) {
  const { trial } = await lrMnist();
  for (const [way, options] of Object.entries(ways)) {
    const seen = [];
    for (let time = 0; time <= times; time++) seen.push(await phases(trial, options));
    for (const phase of Object.keys(seen[0])) {
      const samples = seen.map((one) => one[phase]);
      const run = () => ({ ms: samples.shift() });
      yield { name: `${phase}, ${way}`, sides: { fedclair: { run } } };
    }
  }
}

/** Milliseconds an update. Training is looked at in a run without measurements, so that its messages are counted alone. */
async function phases(trial, options) {
  const set = ["--set", `rounds=${rounds}`, "--set", "task.uniformDigits=500", ...options];
  const { out } = await fedclairRun(trial, set);
  const { seconds, write, wire } = await sums(out);
  const measured = await fedclairRun(trial, [...set, "--set", "evaluate=cohort"]);
  const evaluate = (await sums(measured.out)).seconds.evaluate;
  const { sample, aggregate } = seconds;
  const train = seconds.train - sample;
  const { encode = 0, decode = 0, work = train } = wire ?? {};
  const sent = wire && { encode, send: train - encode - decode - work, decode };
  const all = { sample, ...sent, train: work, aggregate, evaluate, write };
  const updates = (rounds - 1) * cohort;
  return Object.fromEntries(Object.entries(all).map(([name, s]) => [name, (1000 * s) / updates]));
}

/** Of all rounds but the first, in which clients' digits are dealt. */
async function sums(run) {
  const lines = await timingsOf(run);
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
