import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { installPython, requirePython } from "./support/python.js";

const task = fileURLToPath(new URL("./support/twin-task.js", import.meta.url));
const tests = join(workspace, "apps/client-python/tests");

const clients = 24;
const ids = Array.from({ length: clients }, (_, i) => `c${String(i).padStart(2, "0")}`);

/** Lets each attack have two clients of its own. */
const attacks = (...names: readonly string[]) =>
  `attacks:\n${names.map((name, i) => `  - { attack: ${name}, clients: [${ids[2 * i]}, ${ids[2 * i + 1]}] }\n`).join("")}`;

const clair =
  "aggregator: { name: clair, rank: 3 }\nbaselines: [{ label: fedavg, aggregator: { name: fedavg } }]\n";

/** What contaminates the federation, and how it is aggregated. */
const federations = {
  "attacks on data":
    clair +
    attacks(
      "{ name: label-flip }",
      "{ name: label-noise, probability: 0.6 }",
      "{ name: random-targets }",
      "{ name: target-shift, shift: 3 }",
      "{ name: contaminated-data, kind: mirrored }",
    ),
  "attacks on updates":
    clair +
    attacks(
      "{ name: sign-flip }",
      "{ name: scaling }",
      "{ name: gaussian-update }",
      "{ name: free-rider }",
      "{ name: broken }",
    ),
  "attacks with sight of the round":
    clair +
    attacks(
      "{ name: backdoor }",
      "{ name: alie }",
      "{ name: ipm }",
      "{ name: min-max }",
      "{ name: stale, delay: 1 }",
      "{ name: masked }",
      "{ name: colluding-subspace }",
    ),
  "mods and attacks":
    clair +
    "mods: [{ name: differential-privacy, clip: 1, noiseMultiplier: 0.1 }, { name: worker-momentum }, { name: encoding, dtype: int8 }]\n" +
    attacks("{ name: label-flip }", "{ name: sign-flip }", "{ name: ipm }"),
  "a buffered schedule in simulated time":
    "aggregator: { name: fedavg }\ncohort: { count: 10 }\n" +
    "devices: { seconds: { median: 10, sigma: 0.7 } }\nschedule: { name: buffered, buffer: 5 }\n" +
    "mods: [{ name: encoding, dtype: bf16 }]\n" +
    attacks("{ name: random-targets }", "{ name: sign-flip }"),
};

describe("Contaminated clients in Python", function () {
  this.timeout(180_000);

  requirePython();

  let python = "";
  before(async () => {
    python = (await installPython()) ?? "";
  });

  async function run(text: string, ...options: string[]) {
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

  async function recordsOf(out: string): Promise<unknown[]> {
    const lines = (await readFile(join(out, "records.jsonl"), "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as unknown);
  }

  for (const [what, text] of Object.entries(federations)) {
    it(`give the records of simulated clients: ${what}`, async () => {
      const simulated = await run(text, "--transport", "memory");
      assert.equal(simulated.code, 0, simulated.stderr);
      const twins = `external: [${ids.join(", ")}]\npython: { clients: "twin:make_client", folder: ${tests} }\n`;
      const outside = await run(text + twins, "--hosts", "1", "--python", python);
      assert.equal(outside.code, 0, outside.stderr);
      const [expected, records] = await Promise.all(
        [simulated, outside].map(({ out }) => recordsOf(out)),
      );
      assert.ok(expected && expected.length > 0 && JSON.stringify(expected).includes('"attack":"'));
      assertAlmostEqual(records, expected, what);
    });
  }

  it("are refused before the first round if they do not honour an attack", async () => {
    const text =
      `external: [${ids.join(", ")}]\n` +
      `python: { clients: "misbehaving:make_client", folder: ${tests} }\n` +
      clair +
      attacks("{ name: label-flip }");
    const { code, stderr } = await run(text, "--hosts", "1", "--python", python);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /by 'label-flip', and the clients of this host honour no attack on data/);
  });
});

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
