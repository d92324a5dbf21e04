// npm run lab -- bench-audit [--adapters N,N,…] [--modules M] [--size P] [--rank R] [--common C]
// [--mixed]: times `fedclair audit` on piles of random LoRA adapters in float16. The part of B that
// benign adapters share is C times their own part. With --mixed it is a random mixture of four, so
// that few adapters agree. The same run times NumPy, which reads each pile and computes all inner
// products of whole changes, in one thread. It is skipped without NumPy.
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
    mixed: { type: "boolean", default: false },
  },
});
const counts = values.adapters.split(",").map(Number);
const names = ["modules", "size", "rank", "common"];
const [modules, size, rank, common] = names.map((name) => Number(values[name]));
const numpy = fileURLToPath(new URL("audit.py", import.meta.url));
const main = fileURLToPath(new URL("../apps/cli/bin/fedclair.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "fedclair-bench-"));
try {
  const all = makePile(Math.max(...counts));
  console.log(`${modules} modules of ${size}², rank ${rank}, float16`);
  for (const count of counts) {
    const pile = all.slice(0, count);
    const python = runSeconds("python3", [numpy, ...pile]);
    const audit = measureAudit([main, "audit", ...pile]);
    const ratio = python === undefined ? "" : `, ratio ${(audit.seconds / python).toFixed(1)}`;
    console.log(
      `${count} adapters: ${audit.seconds.toFixed(1)} s, ${audit.cpu.toFixed(1)} s of CPU, ${Math.round(audit.megabytes)} MB; ` +
        (python === undefined
          ? "NumPy: skipped because python3 with numpy is not installed"
          : `NumPy ${python.toFixed(2)} s${ratio}`),
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * Writes adapters. A quarter of them share another B and are larger. Noise is read at
 * random offsets from one long list, which is faster than drawing it.
 * @returns their folders
 */
function makePile(adapters) {
  const rng = stream("bench audit");
  const noise = Float32Array.from(rng.at("noise").normals(1 << 20));
  const any = rng.at("offsets");
  const draw = () => {
    const from = any.int(noise.length - size * rank);
    return noise.subarray(from, from + size * rank);
  };
  const targets = Array.from({ length: modules }, (_, m) => `base_model.model.layers.${m}.q_proj`);
  const parts = targets.map(() => ({
    a: draw(),
    benign: [draw(), draw(), draw(), draw()],
    bad: draw(),
  }));
  const strengths = rng.at("strengths").normals(4 * adapters, 0.35);
  return Array.from({ length: adapters }, (_, k) => {
    const isBad = k % 4 === 0;
    const tensors = new Map();
    targets.forEach((name, m) => {
      const [own, mine] = [draw(), draw()];
      const { a, benign, bad } = parts[m];
      const weights = values.mixed
        ? strengths.subarray(4 * k, 4 * k + 4).map((x, i) => (i === 0 ? x + common / 2 : x))
        : [common, 0, 0, 0];
      const b = Float32Array.from(mine, (x, i) =>
        isBad
          ? 0.02 * ((1 + common) * bad[i] + x)
          : 0.01 * benign.reduce((total, one, j) => total + weights[j] * one[i], x),
      );
      const shifted = Float32Array.from(a, (x, i) => (x + 0.1 * own[i]) / 64);
      tensors.set(`${name}.lora_A.weight`, { shape: [rank, size], data: shifted });
      tensors.set(`${name}.lora_B.weight`, { shape: [size, rank], data: b });
    });
    const path = join(folder, `adapter-${String(k).padStart(3, "0")}`);
    mkdirSync(path);
    const config = { peft_type: "LORA", r: rank, lora_alpha: 2 * rank };
    writeFileSync(join(path, "adapter_config.json"), JSON.stringify(config));
    const types = new Map([...tensors.keys()].map((name) => [name, "F16"]));
    writeFileSync(join(path, "adapter_model.safetensors"), encodeSafetensors(tensors, {}, types));
    return path;
  });
}

/** Runs a program that prints seconds. @returns undefined if it fails */
function runSeconds(program, args) {
  const env = { ...process.env, OPENBLAS_NUM_THREADS: "1" };
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", env });
  return status === 0 ? Number(stdout) : undefined;
}

/** Measures wall time, CPU time and peak memory of a Node program. */
function measureAudit(args) {
  const report = `process.on("exit", () => process.stderr.write("\\n" + JSON.stringify(process.resourceUsage())))`;
  const before = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(report)}`, ...args],
    { encoding: "utf8" },
  );
  const isFine = status === 0 || status === 3; // 3: too few adapters to call one benign
  if (!isFine) throw new Error(`fedclair ${args.join(" ")} failed: ${stderr}`);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(stderr.trim().split("\n").at(-1));
  return {
    seconds: (performance.now() - before) / 1000,
    cpu: (userCPUTime + systemCPUTime) / 1e6,
    megabytes: maxRSS / 1024,
  };
}
