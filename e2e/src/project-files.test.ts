import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { parseCommands } from "./support/documented-commands.js";
import { workspace } from "./support/paths.js";

const read = (path: string) => readFileSync(join(workspace, path), "utf8");

interface Job {
  readonly "timeout-minutes": number;
  readonly strategy: { readonly matrix: { readonly node?: number[]; readonly os?: string[] } };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: {
    readonly uses?: string;
    readonly run?: string;
    readonly env?: Readonly<Record<string, string>>;
  }[];
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: { readonly type: string; readonly id?: string }[];
}

interface Reference {
  readonly type: string;
  readonly title: string;
  readonly authors: object[];
  readonly year: number;
}

describe("the files of a public project", () => {
  it("run .ci/run on every supported version of Node.js", () => {
    const workflow = parse(read(".github/workflows/ci.yml")) as Workflow;
    const { gate = assert.fail("there is no job 'gate'") } = workflow.jobs;
    assert.ok(gate.steps.some(({ run }) => run === ".ci/run"));
    assert.ok(existsSync(join(workspace, ".ci/run")));
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    const [, first, end] = /^>=(\d+)\.\d+ <(\d+)$/.exec(engines.node) ?? [];
    const { node = [] } = gate.strategy.matrix;
    assert.equal(node[0], Number(first));
    assert.equal(node.at(-1), Number(end) - 1);
  });

  it("run README's commands in the gate, the first one before anything else is built", () => {
    const commands = parseCommands(read("README.md")).map((words) => words.join(" "));
    assert.deepEqual(commands.slice(0, 2), ["npm ci", "npm run demo"]);
    assert.deepEqual(commands.slice(-2), ["npm ci", "npm test"]);
    const steps = read(".ci/run").match(/^npm .*$/gm) ?? [];
    assert.match(steps.join("\n"), /^npm ci\b.*\nnpm run clean\nnpm run demo\b.*\nnpm test\b.*$/);
  });

  it("give workflows read access only, a timeout, and actions of a pinned major version", () => {
    for (const file of readdirSync(join(workspace, ".github/workflows"))) {
      const { permissions, jobs } = parse(read(join(".github/workflows", file))) as Workflow;
      assert.deepEqual(permissions, { contents: "read" }, file);
      for (const [name, job] of Object.entries(jobs)) {
        assert.ok(job["timeout-minutes"] > 0, name);
        for (const { uses } of job.steps) {
          if (uses !== undefined) assert.match(uses, /^actions\/[\w-]+@v\d+$/);
        }
      }
    }
  });

  it("publish tags to npm and PyPI with provenance, by the only jobs that may sign it", () => {
    const { jobs } = parse(read(".github/workflows/release.yml")) as Workflow;
    assert.deepEqual(Object.keys(jobs), ["npm", "pypi"]);
    const { scripts, nx } = JSON.parse(read("package.json")) as {
      scripts: Record<string, string>;
      nx: { targets: { publishing: { command: string } } };
    };
    assert.match(read(".ci/run"), /^npm test -- .*\bpublishing$/m);
    const tried = nx.targets.publishing.command.split(" && ");
    for (const [name, { permissions, steps }] of Object.entries(jobs)) {
      assert.deepEqual(permissions, { contents: "read", "id-token": "write" });
      const { run, env } = steps.at(-1) ?? {};
      assert.equal(run, `npm run publish:${name}`);
      assert.ok(Object.hasOwn(scripts, `publish:${name}`));
      assert.equal(env?.["NPM_CONFIG_PROVENANCE"], name === "npm" ? "true" : undefined);
    }
    // Nx starts npm six times for each of twenty packages, to the same end.
    const npm = "npm publish --workspace libs --workspace libs/methods --workspace apps --dry-run";
    assert.deepEqual(tried, [npm, "npm run publish:pypi -- --dry-run"]);
  });

  it("have issue forms with a name, a description and unique fields", () => {
    const folder = ".github/ISSUE_TEMPLATE";
    const names = readdirSync(join(workspace, folder));
    assert.deepEqual(names.sort(), ["bug.yml", "config.yml", "idea.yml", "question.yml"]);
    for (const name of names.filter((one) => one !== "config.yml")) {
      const form = parse(read(join(folder, name))) as Form;
      assert.ok(form.name && form.description && form.body.length > 0, name);
      const ids = form.body.flatMap(({ id }) => id ?? []);
      assert.equal(new Set(ids).size, ids.length, name);
    }
    const config = parse(read(join(folder, "config.yml"))) as Record<string, unknown>;
    assert.equal(typeof config["blank_issues_enabled"], "boolean");
  });

  it("can be cited, with the papers of the built-in methods", () => {
    const citation = parse(read("CITATION.cff")) as Readonly<Record<string, unknown>>;
    for (const key of ["cff-version", "message", "title", "authors", "license"]) {
      assert.ok(citation[key], key);
    }
    const references = citation["references"] as Reference[];
    assert.equal(references.length, 6);
    for (const { title, type, authors, year } of references) {
      assert.ok(type && title && authors.length > 0 && year > 2000, title);
    }
  });

  it("have a development container that installs and builds", () => {
    const container = JSON.parse(read(".devcontainer/devcontainer.json")) as {
      image: string;
      postCreateCommand: string;
    };
    assert.match(container.image, /:22$/);
    assert.equal(container.postCreateCommand, "npm ci && npm run build");
  });

  for (const name of ["CODE_OF_CONDUCT.md", "SECURITY.md", ".github/PULL_REQUEST_TEMPLATE.md"]) {
    it(`have a ${name}`, () => {
      assert.ok(read(name).length > 100);
    });
  }
});
