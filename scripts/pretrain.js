// npm run lab -- pretrain: trains the base models of the task text-copy and writes them to
// libs/tasks/assets. The bytes are the same on the same backend. Each takes half a minute.
import { writeFile } from "node:fs/promises";
import { loadBackend } from "@fedclair/compute";
import { stream } from "@fedclair/linalg";
import { baseFile, encodeWeights, pretrain, pretrainSteps } from "@fedclair/tasks/internal";

const seed = 0;
const { name: backend } = await loadBackend("wasm");
for (const vocabulary of [20, 32]) {
  const weights = pretrain(vocabulary, pretrainSteps, stream(seed));
  const metadata = {
    script: "scripts/pretrain.js",
    seed: String(seed),
    steps: String(pretrainSteps),
    vocabulary: String(vocabulary),
    backend,
  };
  const file = baseFile(vocabulary);
  await writeFile(file, encodeWeights(weights, metadata));
  console.log(`wrote ${file.pathname}`);
}
