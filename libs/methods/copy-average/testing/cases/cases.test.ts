import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { asFields, asList, type Fields } from "@fedclair/core/cases";
import { format } from "./index.js";

const fixture = new URL("../../../fixtures/copy_average.json", import.meta.url);
const file = asFields(JSON.parse(readFileSync(fixture, "utf8")), "file");

const readEntries = (section: string): Fields[] =>
  asList(file[section], section).map((entry) => asFields(entry, section));

async function listFailures(part: Fields): Promise<string[]> {
  const outcomes = await format.run(part);
  return outcomes.flatMap(({ name, mismatches }) =>
    mismatches.map(({ field, message }) => `${name}: ${field}: ${message}`),
  );
}

describe("copy-average: reference cases", () => {
  for (const section of Object.keys(file)) {
    if (section === "outcomes" || section === "federation") continue;
    it(section, async () => {
      assert.deepEqual(await listFailures({ [section]: file[section] }), []);
    });
  }

  // The other rows take too long for every test run; `npm run lab -- cases` runs them all.
  for (const row of readEntries("outcomes")) {
    if (row.k !== 6 || row.n === 2) continue;
    it(`outcomes ${String(row.act)}, n = ${String(row.n)}`, async () => {
      assert.deepEqual(await listFailures({ outcomes: [row] }), []);
    }).timeout(20_000);
  }
  for (const scenario of readEntries("federation")) {
    if (scenario.name === "contaminated-other-teacher") continue;
    it(`federation ${String(scenario.name)}`, async () => {
      assert.deepEqual(await listFailures({ federation: [scenario] }), []);
    }).timeout(20_000);
  }
});

describe("copy-average: the case format", () => {
  /** Copies the first case of a section with one field replaced. */
  const withReplaced = (section: string, field: string, value: unknown) => ({
    [section]: [{ ...readEntries(section)[0], [field]: value }],
  });

  it("detects one wrong field in a case of every kind", async () => {
    const wrong: [Fields, string][] = [
      [withReplaced("kernel", "value", 0.1), "value"],
      [withReplaced("kernel", "grad_w_fd", [0, 0, 0, 0]), "grad_w_fd[1]"],
      [withReplaced("loss", "hessian_eig_max", 2), "hessian_eig_max"],
      [withReplaced("loss", "surprise", 2), "surprise"],
      [withReplaced("one_neuron", "erf", { norm: 1, a: 1, loss: 0.1 }), "erf.loss"],
      [withReplaced("perturbed_copy", "is_minimum", true), "is_minimum"],
      [withReplaced("federation", "matched_label", "neither"), "matched_label"],
      [{ copy_average: { optimal: [{ k: 3, n: 1, loss: 0.05 }] } }, "loss"],
      [{ novel: [] }, "error"],
    ];
    for (const [part, field] of wrong) {
      const fields = (await listFailures(part)).map((line) => line.split(": ")[1]);
      assert.ok(fields.includes(field), `${field}: ${String(fields)}`);
    }
  });

  it("tolerates one label per row, but no more", async () => {
    const row = readEntries("outcomes").find(({ n }) => n === 1);
    const failures = async (labels: string) => listFailures({ outcomes: [{ ...row, labels }] });
    assert.deepEqual(await failures("PCCCC"), []);
    assert.equal((await failures("PPCCC")).length, 1);
  });

  it("recognises its own files", () => {
    assert.ok(format.recognises(file));
    assert.ok(format.recognises({ classify: {} }));
    assert.ok(!format.recognises({ format: 1, cases: [] }));
  });
});
