import type { KindHandler } from "@fedclair/core/cases";
import { runAggregate } from "./aggregate-kind.js";
import { runClair } from "./clair-kind.js";
import { runConvex } from "./convex-kind.js";
import { runCompress, runLora } from "./lora-kind.js";

/** The kinds of CLAIR's reference cases that this package implements, by their name in the file. */
export const aggregatorKinds: ReadonlyMap<string, KindHandler> = new Map<string, KindHandler>([
  ["clair", runClair],
  ["clairCentered", runClair],
  ["lora", runLora],
  ["compress", runCompress],
  ["aggregate", runAggregate],
  ["convex", runConvex],
]);
