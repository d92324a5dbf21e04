// The toy plug-ins of core as a module from outside.
import type { DefinedPlugin } from "@fedclair/core";
import { toyPlugins } from "@fedclair/core/testing";

const { tasks, aggregators, attacks, mods, personal } = toyPlugins;

export default [
  ...[...tasks.values()].map((plugin) => ({ ...plugin, kind: "task" })),
  ...[...aggregators.values()].map((plugin) => ({ ...plugin, kind: "aggregator" })),
  ...[...attacks.values()].map((plugin) => ({ ...plugin, kind: "attack" })),
  ...[...(mods?.values() ?? [])].map((plugin) => ({ ...plugin, kind: "mod" })),
  ...[...(personal?.values() ?? [])].map((plugin) => ({ ...plugin, kind: "personal" })),
] as DefinedPlugin[];
