import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  shapeText,
  UserError,
  type LowRank,
  type Params,
  type Tensor,
} from "@fedclair/core";
import { z } from "zod";

/*
 * LoRA adapters as Hugging Face PEFT keeps them (https://huggingface.co/docs/peft, checkpoint format): a folder with
 * `adapter_config.json` and `adapter_model.safetensors`, whose tensors are `<module>.lora_A.weight` (r×in) and
 * `<module>.lora_B.weight` (out×r). The change of a module is scale · B · A.
 */

export const configFile = "adapter_config.json";
const modelFile = "adapter_model.safetensors";

/** α: with 0 the change would vanish, whatever its factors. */
const alphaSchema = z.number().refine((alpha) => alpha !== 0, { error: "expected a number but 0" });

const configSchema = z.looseObject({
  peft_type: z.literal("LORA", { error: "expected LORA: only LoRA adapters can be audited" }),
  r: z.int().min(1),
  lora_alpha: alphaSchema,
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
  alpha_pattern: z
    .record(z.string(), alphaSchema)
    .superRefine((patterns, context) => {
      for (const pattern of Object.keys(patterns)) {
        if (moduleRegExp(pattern) !== undefined) continue;
        const message = "expected module names or regular expressions";
        context.addIssue({ code: "custom", path: [pattern], message });
      }
    })
    .nullish(),
});

type Config = z.output<typeof configSchema>;

/**
 * Did B·A begin as a part of the base's own weights, which was taken out of these? So it is with PiSSA (arXiv 2404.02948), OLoRA, CorDA
 * and LoftQ: what training changed is then but a part of B·A.
 */
export function beganInBase({ init_lora_weights: init }: Config): boolean {
  return typeof init === "string" && /^(pissa|olora|corda|loftq)/i.test(init);
}

export interface Adapter {
  readonly config: Config;
  /** By module, the scale in B. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** What else the file holds: weights of `modules_to_save`, biases, embeddings, magnitudes of DoRA. */
  readonly others: Params;
}

/** @throws UserError if it is no LoRA adapter that this program can read, with the file and what is wrong */
export async function readAdapter(folder: string): Promise<Adapter> {
  const config = await readConfig(join(folder, configFile));
  const file = join(folder, modelFile);
  const bytes = await readFile(file).catch(() => {
    throw new UserError(
      `cannot read '${file}'; adapters saved as .bin must be saved anew as safetensors`,
    );
  });
  try {
    return { config, ...pairsOf(decodeSafetensors(bytes).params, config) };
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${file}: ${error.message}`) : error;
  }
}

async function readConfig(file: string): Promise<Config> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`cannot read '${file}'`);
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UserError(`${file}: expected JSON`);
  }
  const { data, error } = configSchema.safeParse(content);
  if (error) {
    const [issue] = error.issues;
    throw new UserError(`${file}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  return data;
}

/** With adapter names in the key (`lora_A.default.weight`) as unmerged models save it, or without. */
const pairKey = /^(.+)\.lora_(A|B)(?:\.[^.]+)?\.weight$/;

function pairsOf(params: Params, config: Config): Pick<Adapter, "modules" | "others"> {
  const halves = { A: new Map<string, Tensor>(), B: new Map<string, Tensor>() };
  const others = new Map<string, Tensor>();
  for (const [name, tensor] of params) {
    const [, module = "", half] = pairKey.exec(name) ?? [];
    if (half !== "A" && half !== "B") {
      others.set(name, tensor);
      continue;
    }
    if (halves[half].has(module)) {
      throw new UserError(`${module}: expected one adapter, got a second lora_${half}, ${name}`);
    }
    halves[half].set(module, tensor);
  }
  const modules = new Map<string, LowRank>();
  for (const module of new Set([...halves.A.keys(), ...halves.B.keys()])) {
    const a = halves.A.get(module);
    const b = halves.B.get(module);
    const [rank] = a?.shape ?? [];
    const matrices = a?.shape.length === 2 && b?.shape.length === 2;
    if (!matrices || rank === undefined || b.shape[1] !== rank) {
      const [gotA, gotB] = [a, b].map((half) => (half ? shapeText(half.shape) : "none"));
      throw new UserError(
        `${module}: expected lora_A of shape r×in and lora_B of out×r, got ${gotA} and ${gotB}`,
      );
    }
    modules.set(module, { b: scaled(b, scaleOf(module, rank, config)), a });
  }
  if (modules.size === 0) throw new UserError("no pair of lora_A and lora_B");
  return { modules, others };
}

/** α/r, or α/√r of rank-stabilised LoRA (arXiv 2312.03732). */
function scaleOf(module: string, rank: number, config: Config): number {
  const own = Object.entries(config.alpha_pattern ?? {}).find(([pattern]) =>
    moduleRegExp(pattern)?.test(module),
  );
  const alpha = own?.[1] ?? config.lora_alpha;
  return config.use_rslora === true ? alpha / Math.sqrt(rank) : alpha / rank;
}

/** Of the modules that a pattern means; undefined of a pattern that means none. */
function moduleRegExp(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(.*\\.)?(${pattern})$`);
  } catch {
    return undefined;
  }
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((x) => x * factor) };
}

/**
 * Writes an adapter with other pairs than the original, float32; its configuration and all else that it holds stay.
 * @param pairs of the modules and ranks of the original, the scale in B
 */
export async function writeAdapter(
  folder: string,
  { config, others }: Pick<Adapter, "config" | "others">,
  pairs: ReadonlyMap<string, LowRank>,
): Promise<void> {
  const tensors = [...pairs].flatMap(([module, { b, a }]): [string, Tensor][] => {
    const scale = scaleOf(module, a.shape[0] ?? 0, config);
    return [
      [`${module}.lora_A.weight`, single(a)],
      [`${module}.lora_B.weight`, single(scaled(b, 1 / scale))],
    ];
  });
  const bytes = encodeSafetensors(new Map([...tensors, ...others]), { format: "pt" });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, configFile), JSON.stringify(config, null, 2) + "\n");
  await writeFile(join(folder, modelFile), bytes);
}

function single({ shape, data }: Tensor): Tensor {
  return { shape, data: Float32Array.from(data) };
}
