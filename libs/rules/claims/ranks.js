// Trains LoRA adapters of ranks 8, 4, 2 and 1, by a task that is text-copy otherwise.
import { definePlugin } from "@fedclair/core";
import { taskLoaders } from "@fedclair/tasks";
import { measure as measureAll } from "./best-rates.js";

const ranks = [8, 4, 2, 1];
const [largest] = ranks;

/** Trains for three rounds: after ten, all aggregators copy nearly everything. */
export const measure = (out, options) => {
  const task = ["task.name=mixed-ranks", `task.rank=${largest}`];
  const set = [`plugins=[${import.meta.filename}]`, ...task, "rounds=3"];
  return measureAll(out, options, { ranks: set });
};

const textCopy = await taskLoaders["text-copy"]();

/** Copies rows of a matrix to rows of another width; what does not fit is cut, the rest is 0. */
function resize({ shape, data }, rows, columns) {
  const [, width] = shape;
  const value = (i) =>
    i % columns < width ? data[Math.floor(i / columns) * width + (i % columns)] : 0;
  return {
    shape: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, (_, i) => value(i) ?? 0),
  };
}
const resizeB = (b, rank) => resize(b, b.shape[0], rank);
const resizeA = (a, rank) => resize(a, rank, a.shape[1]);

/**
 * Clients have the ranks in turn. Their factors are padded with zeros, which FedIT needs and FLoRA
 * does not notice; a lasting adapter is cut to the client's rank before it trains.
 */
export default definePlugin({
  ...textCopy,
  kind: "task",
  name: "mixed-ranks",
  async create(options) {
    const tasks = await Promise.all(ranks.map((rank) => textCopy.create({ ...options, rank })));
    const [global] = tasks;
    return {
      start: global.start,
      ...(global.step && { step: global.step }),
      async openShard(shard) {
        const k = shard.index % ranks.length;
        const [own, whole] = [await tasks[k].openShard(shard), await global.openShard(shard)];
        const cut = (params) =>
          new Map(
            [...params].map(([name, factor]) => [
              name,
              name.endsWith(".B") ? resizeB(factor, ranks[k]) : resizeA(factor, ranks[k]),
            ]),
          );
        return {
          async train(job) {
            const params = options.adapters === "lasting" ? cut(job.params) : job.params;
            const { delta, ...rest } = await own.train({ ...job, params });
            const padded = [...delta].map(([name, { b, a }]) => [
              name,
              { b: resizeB(b, largest), a: resizeA(a, largest) },
            ]);
            return { ...rest, delta: new Map(padded) };
          },
          evaluate: (params) => whole.evaluate(params),
        };
      },
    };
  },
});
