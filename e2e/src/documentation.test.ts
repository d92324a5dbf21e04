import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  parseCommands,
  listDocumentedCommands,
  listDocuments,
} from "./support/documented-commands.js";
import { checkOptions } from "./support/fedclair-options.js";
import { loadCatalogue } from "./support/lab.js";
import { workspace } from "./support/paths.js";

/** Fails for an unknown option, or a path into the repository that does not exist. */
async function checkFedclair(args: readonly string[]): Promise<void> {
  await checkOptions(args);
  for (const path of args.filter((word) => /^(trials|sweeps|libs)\//.test(word))) {
    assert.ok(existsSync(join(workspace, path)), `${path} does not exist`);
  }
}

async function checkNpm([verb = "", ...args]: readonly string[]): Promise<void> {
  if (["ci", "install", "pack"].includes(verb)) return;
  const words = verb === "run" ? args.filter((word) => !word.startsWith("-")) : [verb];
  const [script = "", labScript] = words;
  const text = await readFile(join(workspace, "package.json"), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
  assert.ok(Object.hasOwn(scripts, script), `package.json has no script '${script}'`);
  if (script === "lab" && labScript !== undefined) {
    const { findLabScript } = await loadCatalogue();
    assert.ok(findLabScript(labScript), `scripts/lab/catalogue.js has no '${labScript}'`);
  }
}

/** The anchor that code hosts and the site give a heading. */
function anchorOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text
    .replace(/[^\p{L}\p{N}_\- ]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

/** Documents whose commands are run by other tests, in a folder that the commands create. */
const executed = [
  "docs/many-machines.md",
  "docs/mods.md",
  "docs/observing.md",
  "docs/own-experiment.md",
  "docs/performance.md",
  "docs/personal.md",
  "docs/report.md",
  "docs/runs.md",
  "docs/security.md",
  "docs/seeds.md",
  "docs/typescript.md",
];

describe("a documented command exists, with its options and files", () => {
  it("wherever it is in a block", () => {
    const text = "```sh\n$ A=1 npx a 'b c' # d\ne \\\n  --f=\"g h\" && i\n```\n```text\nno\n```\n";
    assert.deepEqual(parseCommands(text), [["npx", "a", "b c"], ["e", "--f=g h"], ["i"]]);
  });

  const commands = listDocumentedCommands();
  it("and there is at least one", () => {
    assert.ok(commands.some(({ words }) => words.includes("fedclair")));
  });

  for (const { document, words } of commands) {
    const [program = "", ...args] = words[0] === "npx" ? words.slice(1) : words;
    it(`${document}: ${words.join(" ")}`, async function () {
      if (program === "fedclair") await checkFedclair(args);
      else if (program === "npm") await checkNpm(args);
      else if (executed.includes(document)) return;
      else if (program === "node" || program === "bash") {
        assert.ok(existsSync(join(workspace, args[0] ?? "")), `${args[0] ?? ""} does not exist`);
      } else this.skip(); // not this repository's
    });
  }
});

describe("a documented file exists", () => {
  // The reader writes these.
  const example = /mean-estimation/;
  for (const document of listDocuments()) {
    it(document, async () => {
      const text = await readFile(join(workspace, document), "utf8");
      const paths = [
        ...text.matchAll(/`((?:apps|bench|deploy|docs|e2e|libs|proto|scripts)\/[\w./-]*)`/g),
      ]
        .map(([, path = ""]) => path)
        .filter((path) => !example.test(path));
      const missing = paths.filter((path) => !existsSync(join(workspace, path)));
      assert.deepEqual(missing, []);
    });
  }

  it("and has the headings that links point to", async () => {
    const texts = new Map<string, string>();
    for (const document of listDocuments()) {
      texts.set(document, await readFile(join(workspace, document), "utf8"));
    }
    const dead = [...texts].flatMap(([document, text]) =>
      [...text.matchAll(/\]\(([^)\s:#]*)#([^)\s]+)\)/g)].flatMap(
        ([link, path = "", anchor = ""]) => {
          const target = path === "" ? document : join(dirname(document), path);
          const headings = [...(texts.get(target) ?? "").matchAll(/^#+ (.*)$/gm)];
          const anchors = headings.map(([, heading = ""]) => anchorOf(heading));
          return !texts.has(target) || anchors.includes(anchor) ? [] : `${document}: ${link}`;
        },
      ),
    );
    assert.deepEqual(dead, []);
  });

  it("docs/clair.md: the steps", async () => {
    const text = await readFile(join(workspace, "docs/clair.md"), "utf8");
    const folder = join(workspace, "libs/clair/src");
    const [, table = ""] = /\n\| step((?:.*\n\|)+)/.exec(text) ?? [];
    const names = [...table.matchAll(/`([a-z-/]+(?:\.ts|\/))`/g)].map(([, name = ""]) => name);
    assert.ok(names.length > 10);
    const subfolders = ["", "subspace", "search", "detection", "refinement", "threads"];
    const missing = names.filter(
      (name) => !subfolders.some((subfolder) => existsSync(join(folder, subfolder, name))),
    );
    assert.deepEqual(missing, []);
  });
});
