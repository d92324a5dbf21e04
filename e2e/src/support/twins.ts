import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fedclair } from "./command.js";
import { readRecords } from "./federation.js";
import { temporaryFolder, workspace } from "./paths.js";

const task = fileURLToPath(new URL("./twin-task.js", import.meta.url));
const clients = 24;

/** The clients of the trial. */
export const ids = Array.from({ length: clients }, (_, i) => `c${String(i).padStart(2, "0")}`);

/** The folder with the clients in Python. */
export const twinFolder = join(workspace, "apps/client-python/tests");

/** Lets each attack have clients of its own. */
export function listAttacks(clientsEach: number, ...names: readonly string[]): string {
  const lines = names.map((name, i) => {
    const own = ids.slice(clientsEach * i, clientsEach * (i + 1));
    return `  - { attack: ${name}, clients: [${own.join(", ")}] }\n`;
  });
  return `attacks:\n${lines.join("")}`;
}

/** Runs a trial of the task with twins. @param text what its file has besides */
export async function runTwins(text: string, ...options: string[]) {
  const folder = await temporaryFolder();
  const file = join(folder, "trial.yaml");
  await writeFile(
    file,
    `name: twins\nrounds: 4\nclients: ${clients}\nplugins: [${task}]\ntask: { name: twin }\n${text}`,
  );
  const out = join(folder, "out");
  const ran = await fedclair(["run", file, "--out", out, "--no-report", ...options]);
  return { ...ran, out };
}

/** Checks that clients in Python leave the records of simulated ones. @param text as above */
export async function checkTwins(text: string, python: string): Promise<void> {
  const simulated = await runTwins(text, "--transport", "memory");
  assert.equal(simulated.code, 0, simulated.stderr);
  const twins = `external: [${ids.join(", ")}]\npython: { clients: "twin:make_client", folder: ${twinFolder} }\n`;
  const outside = await runTwins(text + twins, "--hosts", "1", "--python", python);
  assert.equal(outside.code, 0, outside.stderr);
  const expected = await readRecords(simulated.out);
  assert.ok(expected.length > 0 && JSON.stringify(expected).includes('"attack":"'));
  assertAlmostEqual(await readRecords(outside.out), expected, "records");
}

/** Compares values of JSON; numbers may differ by rounding. */
function assertAlmostEqual(actual: unknown, expected: unknown, place: string): void {
  if (typeof expected === "number" && typeof actual === "number") {
    const tolerance = 1e-8 * Math.max(1, Math.abs(expected));
    assert.ok(
      Math.abs(actual - expected) <= tolerance,
      `${place}: ${actual}, expected ${expected}`,
    );
    return;
  }
  if (
    typeof expected !== "object" ||
    expected === null ||
    typeof actual !== "object" ||
    actual === null
  ) {
    assert.deepEqual(actual, expected, place);
    return;
  }
  assert.deepEqual(Object.keys(actual), Object.keys(expected), place);
  for (const [key, value] of Object.entries(expected))
    assertAlmostEqual((actual as Record<string, unknown>)[key], value, `${place}.${key}`);
}
