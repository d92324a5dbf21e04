import { UserError } from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import { readText } from "@fedclair/runs";
import { z } from "zod";
import { findPatternFault, matchPatterns } from "./module-patterns.js";

export const configFile = "adapter_config.json";

/**
 * Maximum size of a configuration. One with a pattern for each of 46,000 experts would have 3 MB.
 */
export const maxConfigBytes = 10_000_000;

/** α must not be 0, where every change would vanish, and scaled numbers must fit into float32. */
const alphaSchema = z
  .number()
  .refine((alpha) => Math.abs(alpha) >= 1e-20 && Math.abs(alpha) <= 1e20, {
    error: ({ input }) => `expected a number of a size from 1e-20 to 1e20, got ${String(input)}`,
  });

/** A value for each module name or regular expression. */
function patternSchema<T extends z.ZodType>(value: T) {
  return z
    .record(z.string(), value)
    .superRefine((patterns, context) => {
      const fault = findPatternFault(Object.keys(patterns));
      if (fault === undefined) return;
      context.addIssue({ code: "custom", path: [fault.pattern], message: fault.message });
    })
    .nullish();
}

const configSchema = z.looseObject({
  peft_type: z.literal("LORA", { error: "expected LORA: only LoRA adapters can be audited" }),
  r: z.int().min(1),
  lora_alpha: alphaSchema,
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
  base_model_name_or_path: z.string().nullish(),
  alpha_pattern: patternSchema(alphaSchema),
  rank_pattern: patternSchema(z.int().min(1)),
});

export type Config = z.output<typeof configSchema>;

/**
 * Returns true if B·A did not start at zero. It may start as a part of the base's weights that was
 * subtracted from them (PiSSA, arXiv 2404.02948, OLoRA, CorDA, LoftQ, LoRA-GA), or at random
 * (`init_lora_weights: false`). What training changed is then only a part of B·A.
 */
export function startsNonZero({ init_lora_weights: init }: Config): boolean {
  if (init === false) return true;
  return typeof init === "string" && /^(pissa|olora|corda|loftq|lora_ga)/i.test(init);
}

/** LoRA variants whose change is not scale · B · A of one module, with the reason. */
const unsupported: readonly (readonly [key: string, why: string])[] = [
  ["target_parameters", "it adapts whole parameters (experts of a mixture), not modules"],
  ["kasa_config", "KaSA has a diagonal between B and A"],
  ["use_qalora", "QA-LoRA pools the inputs of A"],
  ["use_bdlora", "BD-LoRA has blocks on a diagonal for factors"],
  ["monteclora_config", "MonteCLoRA draws its factors at random"],
];

/**
 * Reads an adapter's configuration.
 * @throws UserError with the file and the problem if it does not describe a supported LoRA adapter
 */
export function readConfig(file: string): Config {
  const text = readText(file, maxConfigBytes);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UserError(`${file}: expected JSON`);
  }
  if (!canBeWritten(content)) throw new UserError(`${file}: expected JSON with less nesting`);
  const { data, faults } = checkValue(configSchema, content);
  if (data === undefined) throw new UserError(`${file}: ${faults[0] ?? ""}`);
  const [key, why] = unsupported.find(([name]) => isSet(data[name])) ?? [];
  if (key === undefined) return data;
  throw new UserError(
    `${file}: ${key}: expected plain LoRA, whose change is B·A; ${why ?? ""}: leave such adapters out`,
  );
}

/** Tests if a value can be written as JSON, which fails at a depth that parsing accepts. */
function canBeWritten(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== false;
}

/** Where the ranks and scales of modules come from. */
interface ModuleSettings {
  /** The rank of a module according to the configuration. */
  rankOf(module: string): number;
  /** The scale of B·A: α/r, or α/√r for rank-stabilised LoRA (arXiv 2312.03732). */
  scaleOf(module: string, rank: number): number;
}

/**
 * Applies the patterns of a configuration to an adapter's modules.
 * @throws UserError if that would take too long
 */
export function matchModules(
  { r, lora_alpha, use_rslora, rank_pattern, alpha_pattern }: Config,
  modules: Iterable<string>,
): ModuleSettings {
  const names = [...modules].map(nameInBase);
  const ranks = matchPatterns(rank_pattern, names, `${configFile}: rank_pattern`);
  const alphas = matchPatterns(alpha_pattern, names, `${configFile}: alpha_pattern`);
  return {
    rankOf: (module) => ranks.get(nameInBase(module)) ?? r,
    scaleOf: (module, rank) => {
      const alpha = alphas.get(nameInBase(module)) ?? lora_alpha;
      return use_rslora === true ? alpha / Math.sqrt(rank) : alpha / rank;
    },
  };
}

/** The name of a module in the base model, without the prefix that PEFT adds. */
export function nameInBase(module: string): string {
  return module.replace(/^base_model\.model\./, "");
}
