import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./command.js";
import { temporaryFolder } from "./paths.js";

/** Creates a sweep with four trials per seed, which take a quarter of a second per round. */
export const createGrid = (seeds: readonly number[], rounds: number) => `
name: grid
seed: [${seeds.join(", ")}]
rounds: ${rounds}
clients: 12
task: { name: denoising }
aggregator: [{ name: clair, rank: 3 }, { name: fedavg }]
baselines: [{ label: local, aggregator: { name: local } }]
attacks: [[], [{ attack: { name: gaussian-update }, count: 3 }]]
sweep: { rows: attacks, measures: [{ measure: error.ratioTo.local, worse: high }] }
`;

/** A sweep of 24 trials of about half a second. */
export const grid = createGrid([1, 2, 3, 4, 5, 6], 2);

let reference: Promise<Map<string, string>> | undefined;

/** Runs the sweep in one process, once. @returns the bytes of its files by path */
export function runReferenceSweep(): Promise<Map<string, string>> {
  reference ??= createReferenceSweep();
  return reference;
}

async function createReferenceSweep(): Promise<Map<string, string>> {
  const folder = await temporaryFolder();
  const [file, out] = [join(folder, "grid.yaml"), join(folder, "disk")];
  await writeFile(file, grid);
  const { code, stderr } = await fedclair(["sweep", file, "--out", out, "--jobs", "2"]);
  assert.equal(code, 0, stderr);
  return await readSweepBytes(out);
}

/** Reads the files of a sweep that must not depend on who ran the trials, by path. */
export async function readSweepBytes(out: string): Promise<Map<string, string>> {
  const names = (await readdir(out, { recursive: true })).sort();
  const same =
    /^([a-z0-9.-]+-seed-\d+\/(records\.jsonl|artifacts\.jsonl|params\.safetensors|summary\.json|trial\.yaml)|report\.html|table\.csv|figures\/.*)$/;
  const files = names.filter((name) => same.test(name));
  assert.equal(files.filter((name) => name.endsWith("summary.json")).length, 24);
  return new Map(
    await Promise.all(
      files.map(async (name): Promise<[string, string]> => [
        name,
        await readFile(join(out, name), "base64"),
      ]),
    ),
  );
}
