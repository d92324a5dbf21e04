// @ts-check Writes example LoRA adapters to the folder `adapters`, in the format of Hugging Face
// PEFT. Twelve clients share one column space of rank 4, except three contaminated clients with
// spaces of their own.
import { mkdir, writeFile } from "node:fs/promises";
import { toDense, encodeSafetensors, stream, toTensor } from "@fedclair/core";

const [p, q, rank, clients] = [96, 64, 4, 12];
const contaminated = [2, 5, 9];
const modules = ["layers.0.q_proj", "layers.0.v_proj", "layers.1.q_proj", "layers.1.v_proj"];

/** @param {import("@fedclair/core").Stream} rng @param {number[]} shape */
const random = (rng, ...shape) => ({ shape, data: rng.normals(shape[0] * shape[1]) });

for (let k = 0; k < clients; k++) {
  const tensors = new Map();
  for (const module of modules) {
    const rng = stream("adapters").at(module, k);
    const from = contaminated.includes(k) ? rng : stream("adapters").at(module, "shared");
    const space = random(from.at("space"), p, rank);
    const b = toTensor(toDense({ b: space, a: random(rng.at("b"), rank, rank) }));
    tensors.set(`base_model.model.${module}.lora_A.weight`, random(rng.at("a"), rank, q));
    tensors.set(`base_model.model.${module}.lora_B.weight`, b);
  }
  const folder = `adapters/client-${String(k).padStart(2, "0")}`;
  await mkdir(folder, { recursive: true });
  await writeFile(
    `${folder}/adapter_model.safetensors`,
    encodeSafetensors(tensors, { format: "pt" }),
  );
  const config = { peft_type: "LORA", base_model_name_or_path: "a-model", r: rank, lora_alpha: 8 };
  await writeFile(`${folder}/adapter_config.json`, JSON.stringify(config, null, 2));
}
console.log(
  `wrote ${clients} adapters to adapters, contaminated: ${contaminated.map((k) => `client-0${k}`).join(", ")}`,
);
