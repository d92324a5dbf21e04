import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { auditSchema, type Audit } from "./audit-schema.js";
import { compareAdapters } from "./compare-adapters.js";
import { findAdapters } from "../adapters/find-adapters.js";
import { parseOptions } from "./options.js";

const workspace = fileURLToPath(new URL("../../../../..", import.meta.url));
const presidents = join(workspace, "apps/cli/fixtures/adapters/presidents");

/** As `--json` prints it. */
async function auditJson(keep: (name: string) => boolean, set: readonly string[] = []) {
  const { adapters: all, skipped, checkpoints } = await findAdapters([presidents]);
  const adapters = all.filter(({ name }) => keep(name));
  const { comparison } = await compareAdapters({
    ...{ adapters, options: parseOptions(set), refine: false },
  });
  const refined = {
    ...{ folder: "refined", adapters: 2, discarded: 0.1 },
    ...{ unchanged: ["a"], breakEven: { b: 0.5 } },
  };
  const audit: Audit = { ...comparison, skipped, checkpoints, refined };
  return JSON.parse(JSON.stringify(audit)) as unknown;
}

describe("the schema of an audit", () => {
  it("is the one that docs/audit.schema.json has", async () => {
    const text = await readFile(join(workspace, "docs/audit.schema.json"), "utf8");
    const made = JSON.parse(JSON.stringify(z.toJSONSchema(auditSchema))) as unknown;
    assert.deepEqual(JSON.parse(text), made, "it is out of date: npm run lab -- audit-schema");
  });

  it("fits an audit of real adapters, by evidence and by a gap", async () => {
    auditSchema.parse(await auditJson(() => true));
    auditSchema.parse(await auditJson(() => true, ["rule=gap"]));
  });

  it("fits an audit of too few adapters for a verdict", async () => {
    auditSchema.parse(await auditJson((name) => name.startsWith("james")));
  });
});
