import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import Ajv from "ajv";
import { saveAdapters } from "./support/adapters.js";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

const trial = join(workspace, "trials/linear-regression/gaussian.yaml");
const pile = join(workspace, "libs/audit/fixtures/adapters/presidents");
const schema = JSON.parse(readFileSync(join(workspace, "docs/output.schema.json"), "utf8")) as {
  readonly properties: Readonly<Record<string, object>>;
};

describe("docs/output.schema.json", () => {
  let cwd: string;
  /** Runs a command with --json and checks what it prints. */
  const check = async (command: string, ...args: string[]) => {
    const words = [command, ...args, "--json"];
    const { code, stdout, stderr } = await fedclair(words, { cwd });
    assert.equal(code, 0, stderr);
    checkText(command, stdout);
  };
  /** @param name the property of the schema that describes the text */
  const checkText = (name: string, text: string) => {
    const { [name]: own = assert.fail(`no schema of ${name}`) } = schema.properties;
    const { definitions } = schema as { definitions?: object };
    const ajv = new Ajv({ allErrors: true });
    const isValid = ajv.validate({ ...own, definitions }, JSON.parse(text));
    assert.ok(isValid, `${name}: ${ajv.errorsText()}\n${text.slice(0, 2000)}`);
  };

  beforeEach(async () => {
    cwd = await temporaryFolder();
  });

  it("describes what commands about runs print", async () => {
    const inMemory = ["--transport", "memory", "--no-report"];
    await check("run", trial, "--name", "one", ...inMemory);
    for (const log of ["records.jsonl", "timings.jsonl"]) {
      const lines = readFileSync(join(cwd, "runs/one", log), "utf8")
        .trimEnd()
        .split("\n");
      for (const line of lines) checkText(log, line);
    }
    await check("run", trial, "--seeds", "2", "--name", "study", "--no-report");
    await check("resume", "runs/one", ...inMemory);
    await check("show", "runs/one");
    await check("show", "runs/study");
    await check("compare", "runs/one", "runs/study/seed-2");
    await check("compare", "runs/study", "runs/one");
    await check("verify", "runs/one", "--rounds", "1");
    await check("list", join(workspace, "trials/linear-regression"));
  });

  it("describes what a sweep prints, also with a cell that nobody measured", async () => {
    const text = `
name: grid
rounds: 1
clients: 8
task: { name: linear-regression }
aggregator: [{ name: clair }, { name: fedavg }]
attacks: [[], [{ attack: { name: sign-flip }, count: 2 }]]
sweep: { measures: [error, detection.recall] }
`;
    await writeFile(join(cwd, "grid.yaml"), text);
    await check("sweep", "grid.yaml", "--no-report");
    await check("power", trial, "--seeds", "2");
  });

  it("describes what commands about adapters and plug-ins print", async () => {
    await check("audit", pile);
    await saveAdapters(join(cwd, "round"), { p: 16, r: 2, count: 10, modules: 2 });
    await check("aggregate", "round", "--aggregator", "clair", "--out", "handed-out");
    await check("plugins");
    await check("plugins", "mods");
  });
});
