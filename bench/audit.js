// npm run lab -- bench-audit [-- --adapters N --modules M --size P --rank R --common C]: times `fedclair audit` of a pile of random LoRA
// adapters in float16, where the B that the honest have in common is C times each one's own, and in the same run NumPy, which reads
// them and makes all inner products of whole changes (skipped without NumPy).
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeSafetensors } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { parseArguments } from "../scripts/arguments.js";

const option = (value) => ({ type: "string", default: String(value) });
const { values } = parseArguments({
  options: {
    adapters: option(20),
    modules: option(64),
    size: option(4096),
    rank: option(8),
    common: option(0.5),
  },
});
const names = ["adapters", "modules", "size", "rank", "common"];
const [adapters, modules, size, rank, common] = names.map((name) => Number(values[name]));
const numpy = fileURLToPath(new URL("audit.py", import.meta.url));
const main = fileURLToPath(new URL("../apps/cli/dist/src/main.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "fedclair-bench-"));
try {
  makePile();
  const python = seconds("python3", [numpy, folder]);
  console.log(`${adapters} adapters, ${modules} modules of ${size}², rank ${rank}, float16`);
  const audit = measured([main, "audit", folder]);
  console.log(`fedclair audit: ${audit.seconds.toFixed(1)} s, ${Math.round(audit.megabytes)} MB`);
  console.log(
    python === undefined
      ? "NumPy: skipped, as it takes python3 with numpy"
      : `NumPy, reading and all inner products: ${python.toFixed(2)} s, ratio ${(audit.seconds / python).toFixed(1)}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}

/** A quarter of the adapters have another B in common, and are larger. Noise comes from one long list, read from anywhere. */
function makePile() {
  const rng = stream("bench audit");
  const noise = Float32Array.from(rng.at("noise").normals(1 << 20));
  const any = rng.at("offsets");
  const drawn = () => {
    const from = any.int(noise.length - size * rank);
    return noise.subarray(from, from + size * rank);
  };
  const targets = Array.from({ length: modules }, (_, m) => `base_model.model.layers.${m}.q_proj`);
  const parts = targets.map(() => ({ a: drawn(), honest: drawn(), bad: drawn() }));
  for (let k = 0; k < adapters; k++) {
    const isBad = k < adapters / 4;
    const tensors = new Map();
    targets.forEach((name, m) => {
      const [own, mine] = [drawn(), drawn()];
      const { a, honest, bad } = parts[m];
      const from = isBad ? bad : honest;
      const [much, size_] = isBad ? [1 + common, 0.02] : [common, 0.01];
      const b = Float32Array.from(from, (x, i) => size_ * (much * x + mine[i]));
      const moved = Float32Array.from(a, (x, i) => (x + 0.1 * own[i]) / 64);
      tensors.set(`${name}.lora_A.weight`, { shape: [rank, size], data: moved });
      tensors.set(`${name}.lora_B.weight`, { shape: [size, rank], data: b });
    });
    const path = join(folder, `adapter-${String(k).padStart(3, "0")}`);
    mkdirSync(path);
    const config = { peft_type: "LORA", r: rank, lora_alpha: 2 * rank };
    writeFileSync(join(path, "adapter_config.json"), JSON.stringify(config));
    const types = new Map([...tensors.keys()].map((name) => [name, "F16"]));
    writeFileSync(join(path, "adapter_model.safetensors"), encodeSafetensors(tensors, {}, types));
  }
}

/** What a program prints, in seconds; undefined if it cannot run. */
function seconds(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}

/** Wall time and largest memory of a Node program. */
function measured(args) {
  const report = `process.on("exit", () => process.stderr.write("\\n" + process.resourceUsage().maxRSS))`;
  const before = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(report)}`, ...args],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`fedclair ${args.join(" ")} failed: ${stderr}`);
  const kilobytes = Number(stderr.trim().split("\n").at(-1));
  return { seconds: (performance.now() - before) / 1000, megabytes: kilobytes / 1024 };
}
