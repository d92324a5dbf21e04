import type { TaskPlugin } from "@fedclair/core";

/**
 * Loaders of the tasks of this package, by name. A task is imported only when a trial names it,
 * because loading all of them takes a fifth of a second.
 */
export const taskLoaders = {
  denoising: async () => (await import("./denoising/index.js")).denoising,
  digits: async () => (await import("./digits/index.js")).digits,
  external: async () => (await import("./external/index.js")).external,
  "linear-regression": async () => (await import("./linear-regression/index.js")).linearRegression,
  network: async () => (await import("./network/index.js")).network,
  table: async () => (await import("./table/index.js")).table,
  "text-copy": async () => (await import("./text-copy/index.js")).textCopy,
} satisfies Readonly<Record<string, () => Promise<TaskPlugin>>>;
