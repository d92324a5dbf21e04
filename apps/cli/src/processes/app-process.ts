import module from "node:module";
import { fileURLToPath } from "node:url";

/** An app that runs in a process of its own. */
export type AppName = "coordinator" | "client" | "view";

/** From Node.js 22 on: returns this process's compile cache folder, if it has one. */
const { getCompileCacheDir }: typeof module & { getCompileCacheDir?: () => string | undefined } =
  module;

/**
 * The environment for the process of an app. It shares this process's compile cache. glibc would
 * otherwise keep freed memory: of every thread in an arena of its own, and of large tensors in
 * blocks of up to 32 MiB. That is two hundred megabytes or more in a coordinator.
 */
export function createEnvironment(app: AppName): NodeJS.ProcessEnv {
  const memory = {
    MALLOC_ARENA_MAX: "2",
    ...(app === "coordinator" && { MALLOC_MMAP_THRESHOLD_: String(4 << 20) }),
  };
  const compiled = getCompileCacheDir?.();
  return { ...memory, ...(compiled && { NODE_COMPILE_CACHE: compiled }), ...process.env };
}

/**
 * The arguments of Node.js to start an app. Apps are started, never imported. Tensors are outside
 * V8's heap, but allocating and freeing them still makes V8 collect garbage in the whole heap. With
 * an initial heap of 96 MB it does so rarely: an update of 3 MB takes half of the time, one of 30
 * kB three quarters. A young generation of 16 MB keeps short-lived tensors out of the old one:
 * CLAIR in groups takes a tenth less CPU time with it. Several threads that collect the young
 * generation wait for each other where cores are few: with one, hosts that run plug-ins take a
 * seventh less CPU time.
 */
export function programOf(app: AppName): readonly string[] {
  return [
    "--initial-old-space-size=96",
    "--min-semi-space-size=16",
    "--no-parallel-scavenge",
    fileURLToPath(import.meta.resolve(`@fedclair/${app}/main`)),
  ];
}
