// The task of npm run lab -- bench-updates: clients send updates of `megabytes` each, in `modules`
// modules, without training.
import { definePlugin } from "@fedclair/core";
import { z } from "zod";

export default definePlugin({
  kind: "task",
  name: "large",
  summary: "Sends large updates without training.",
  schema: z.strictObject({ megabytes: z.number().default(100), modules: z.int().default(20) }),
  create: ({ megabytes, modules }) => {
    const size = Math.round((megabytes * 1e6) / 4 / modules);
    const tensors = (fill) =>
      new Map(
        Array.from({ length: modules }, (_, m) => {
          const data = new Float32Array(size);
          if (fill) for (let i = 0; i < size; i++) data[i] = fill(m, i);
          return [`layer-${m}`, { shape: [size / 100, 100], data }];
        }),
      );
    return {
      start: async () => ({ params: tensors() }),
      openShard: async ({ index }) => ({
        train: async () => ({
          numExamples: 1 + index,
          delta: tensors((m, i) => ((i + m + index) % 7) - 3),
          metrics: {},
        }),
      }),
    };
  },
});
