import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readShippedBank } from "@fedclair/clair";
import { z } from "zod";
import { findAdapters } from "./adapters/find-adapters.js";
import { compareAdapters } from "./compare/compare-adapters.js";
import { parseClairOptions } from "./compare/options.js";
import { auditSchema, type Audit } from "./audit-schema.js";
import { formatAudit, formatJson } from "./text/audit-text.js";

const workspace = fileURLToPath(new URL("../../../..", import.meta.url));
const presidents = join(workspace, "libs/audit/fixtures/adapters/presidents");

/** Runs an audit and returns its JSON output. */
async function auditJson(keep: (name: string) => boolean, set: readonly string[] = []) {
  const { adapters: all, skipped, checkpoints } = await findAdapters([presidents]);
  const adapters = all.filter(({ name }) => keep(name));
  const options = parseClairOptions(set);
  const comparison = await compareAdapters({ adapters, options });
  const losses = {
    own: 2,
    "shrunk-quarter": 1,
    "shrunk-half": 3,
    "added-half": 4,
    "added-whole": null,
    clair: 5,
  };
  const refined = {
    folder: "refined",
    adapters: 1,
    versions: [],
    discarded: 0.1,
    unchanged: [],
    evaluation: {
      command: "loss {adapter}",
      adapters: [{ name: "a", losses, chosen: "shrunk-quarter" as const }],
    },
  };
  const audit: Audit = { ...comparison, skipped, checkpoints, refined };
  return JSON.parse(formatJson(audit, options)) as unknown;
}

describe("an audit", () => {
  it("says that the bank supports no rate as small as the wanted one", async () => {
    const { adapters } = await findAdapters([presidents]);
    const clair = parseClairOptions(["rule.falseAlarmRate=0.001"]);
    const bank = readShippedBank();
    const largest = (row: (typeof bank.thresholds)[number]) => row.quantiles.slice(-1);
    const few = {
      ...bank,
      thresholds: bank.thresholds.map((row) => ({ ...row, quantiles: largest(row) })),
    };
    const used = few.thresholds.find(({ pairs, clients }) => pairs && clients === 20);
    const rate = used?.quantiles[0]?.rate ?? NaN;
    const comparison = await compareAdapters({ adapters, options: clair, bank: few });
    assert.equal(comparison.falseAlarmRate, rate);
    const text = formatAudit({ ...comparison, skipped: [], checkpoints: [] }, clair);
    assert.match(text, new RegExp(`one in ${Math.round(1 / rate)} sets of honest adapters`));
    assert.match(
      text,
      /the bank supports rates of false alarms down to [\d.]+ for as many clients, not 0\.001/,
    );
  });
});

describe("the audit schema", () => {
  it("is the same as in docs/audit.schema.json", async () => {
    const text = await readFile(join(workspace, "docs/audit.schema.json"), "utf8");
    const generated = JSON.parse(JSON.stringify(z.toJSONSchema(auditSchema))) as unknown;
    assert.deepEqual(JSON.parse(text), generated, "it is out of date: npm run lab -- audit-schema");
  });

  it("accepts audits of real adapters, with the rules evidence and gap", async () => {
    auditSchema.parse(await auditJson(() => true));
    auditSchema.parse(await auditJson(() => true, ["rule=gap"]));
  });

  it("accepts an audit with too few adapters for a verdict", async () => {
    auditSchema.parse(await auditJson((name) => name.startsWith("james")));
  });
});
