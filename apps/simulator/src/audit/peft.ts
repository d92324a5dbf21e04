import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
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

const configFile = "adapter_config.json";
const modelFile = "adapter_model.safetensors";

const configSchema = z.looseObject({
  peft_type: z.literal("LORA", { error: "expected LORA: only LoRA adapters can be audited" }),
  r: z.int().min(1),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
});

type Config = z.output<typeof configSchema>;

export interface Adapter {
  readonly config: Config;
  /** By module, the scale in B. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Tensors of the file that are no part of a LoRA pair, as the weights of `modules_to_save`. */
  readonly ignored: readonly string[];
}

/** The adapters at the paths: each one itself, or a folder of some. @throws UserError where there is none */
export async function adapterFolders(paths: readonly string[]): Promise<string[]> {
  const folders = await Promise.all(
    paths.map(async (path) => {
      const names = await readdir(path).catch(() => {
        throw new UserError(`no folder '${path}'`);
      });
      if (names.includes(configFile)) return [path];
      const inside = await Promise.all(
        names.sort().map(async (name) => {
          const folder = join(path, name);
          const entries = await readdir(folder).catch((): string[] => []);
          return entries.includes(configFile) ? [folder] : [];
        }),
      );
      if (inside.flat().length > 0) return inside.flat();
      throw new UserError(
        `no adapter in '${path}': neither it nor a folder in it has a ${configFile}`,
      );
    }),
  );
  return folders.flat();
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

function pairsOf(params: Params, config: Config): Pick<Adapter, "modules" | "ignored"> {
  const halves = { A: new Map<string, Tensor>(), B: new Map<string, Tensor>() };
  const ignored: string[] = [];
  for (const [name, tensor] of params) {
    const [, module = "", half] = pairKey.exec(name) ?? [];
    if (half === "A" || half === "B") halves[half].set(module, tensor);
    else ignored.push(name);
  }
  const modules = new Map<string, LowRank>();
  for (const [module, a] of halves.A) {
    const b = halves.B.get(module);
    const [rank = 0] = a.shape;
    if (b === undefined || b.shape.length !== 2 || a.shape.length !== 2 || b.shape[1] !== rank) {
      const found = b === undefined ? "none" : b.shape.join("×");
      throw new UserError(
        `${module}: expected lora_B of shape out×${rank} beside lora_A of ${a.shape.join("×")}, got ${found}`,
      );
    }
    modules.set(module, { b: scaled(b, scaleOf(module, rank, config)), a });
  }
  if (modules.size === 0) throw new UserError("no pair of lora_A and lora_B");
  return { modules, ignored };
}

/** α/r, or α/√r of rank-stabilised LoRA (arXiv 2312.03732). */
function scaleOf(module: string, rank: number, config: Config): number {
  const own = Object.entries(config.alpha_pattern ?? {}).find(([pattern]) =>
    new RegExp(`^(.*\\.)?(${pattern})$`).test(module),
  );
  const alpha = own?.[1] ?? config.lora_alpha;
  return config.use_rslora === true ? alpha / Math.sqrt(rank) : alpha / rank;
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((x) => x * factor) };
}

/**
 * Writes an adapter of the same modules: float32, every pair of one rank, its scale 1.
 * @param like whose configuration it takes over
 */
export async function writeAdapter(
  folder: string,
  like: Config,
  modules: ReadonlyMap<string, LowRank>,
  rank: number,
): Promise<void> {
  const tensors = [...modules].flatMap(([module, { b, a }]): [string, Tensor][] => [
    [`${module}.lora_A.weight`, single(a)],
    [`${module}.lora_B.weight`, single(b)],
  ]);
  await mkdir(folder, { recursive: true });
  const scaleOne = { lora_alpha: rank, use_rslora: false, alpha_pattern: {}, rank_pattern: {} };
  const written = { ...like, r: rank, ...scaleOne };
  await writeFile(join(folder, configFile), JSON.stringify(written, null, 2) + "\n");
  await writeFile(join(folder, modelFile), encodeSafetensors(new Map(tensors), { format: "pt" }));
}

function single({ shape, data }: Tensor): Tensor {
  return { shape, data: Float32Array.from(data) };
}
