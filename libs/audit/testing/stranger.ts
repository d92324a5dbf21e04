import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LowRank } from "@fedclair/core";
import { openAdapter, readChanges, writeAdapter } from "../src/adapters/peft.js";
import { audit } from "../src/audit.js";
import type { Audit } from "../src/audit-schema.js";

const pile = fileURLToPath(new URL("../../fixtures/adapters/presidents", import.meta.url));
const honest = ["calvin_coolidge", "dwight_d_eisenhower", "george_washington", "james_buchanan"];
const bad = ["bad-random-1", "bad-random-2", "bad-random-3", "bad-random-4", "bad-trigger"];
const more = ["james_monroe", "jimmy_carter", "john_tyler", "harry_s_truman"];

/** Writes a folder of adapters that has whatever a stranger may send, and audits it. */
export async function auditStranger(): Promise<{ readonly root: string; readonly result: Audit }> {
  const root = await mkdtemp(join(tmpdir(), "stranger-"));
  for (const name of [...honest, ...bad, ...more]) {
    await cp(join(pile, name), join(root, name), { recursive: true });
  }
  const [first = "", second = "", third = "", fourth = ""] = honest;
  await cp(join(pile, first), join(root, "same-file"), { recursive: true });
  const rewrite = async (
    name: string,
    from: string,
    change: (pairs: Map<string, LowRank>) => void,
  ) => {
    const adapter = await openAdapter(join(pile, from));
    const pairs = readChanges(adapter);
    change(pairs);
    await writeAdapter(join(root, name), adapter, pairs);
  };
  await rewrite("identical", second, () => undefined);
  for (const name of ["form-1", "form-2"]) {
    await rewrite(name, third, (pairs) => void pairs.delete([...pairs.keys()][0] ?? ""));
  }
  const set = async (name: string, changes: object) => {
    const file = join(root, name, "adapter_config.json");
    const config = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...config, ...changes }));
  };
  await set(fourth, {
    auto_mapping: { base_model_class: "Net", parent_library: "stranger.models" },
    megatron_core: "stranger.core",
    modules_to_save: ["lm_head"],
    alora_invocation_tokens: [5, 6],
    base_model_name_or_path: null,
    revision: "v2",
  });
  await set("james_monroe", {
    auto_mapping: { base_model_class: "X", parent_library: "transformers.models.llama" },
    base_model_name_or_path: "another/base",
  });
  const add = (name: string, text = "") => writeFile(join(root, fourth, name), text);
  for (const name of ["run.py", "adapter_model.bin", "optimizer.pt", "model.gguf"]) await add(name);
  await add("tokenizer.json");
  await add("config.json", JSON.stringify({ auto_map: { AutoModel: "run.Net" } }));
  await add("README.md", "---\nbase_model: x\n---\n# <img src=x onerror=alert(1)>");
  await writeFile(join(root, "jimmy_carter", "README.md"), "---\nlicense: mit\n---\n");
  await writeFile(join(root, "john_tyler", "adapter_config.json"), "{");
  const result = await audit([root]);
  return { root, result };
}

export async function removeStranger({ root }: { readonly root: string }): Promise<void> {
  await rm(root, { recursive: true });
}
