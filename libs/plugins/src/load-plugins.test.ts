import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";
import {
  parseTrial,
  pluginIdentities,
  readTrialSource,
  withModules,
} from "@fedclair/core/internal";
import { loadBuiltIn } from "./built-in.js";
import { importPlugins } from "./import-plugins.js";
import { loadPlugins } from "./load-plugins.js";
import { loadNamedPlugins } from "./named-plugins.js";
import { resolveModule } from "./resolve-module.js";

const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * The source of a module that exports an attack.
 * @param fields additional fields, which may override others
 */
const attack = (name: string, fields = "") => `
  import { definePlugin } from "@fedclair/core";
  import { z } from "zod";
  export default definePlugin({
    kind: "attack", name: "${name}", summary: "An attack.", schema: z.strictObject({}),
    create: () => ({ corruptUpdate: (honest) => honest }), ${fields}
  });`;

describe("external plug-ins", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "fedclair-plugins-")));
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  };
  /** A trial of linear regression that names these modules. */
  const trialWith = (plugins: readonly string[], attack = "mine") =>
    JSON.stringify({
      name: "t",
      rounds: 1,
      clients: 4,
      plugins,
      aggregator: { name: "fedavg" },
      task: { name: "linear-regression" },
      attacks: [{ attack: { name: attack }, count: 1 }],
    });
  const load = async (plugins: readonly string[], overrides: readonly string[] = []) => {
    await write({ "trial.yaml": trialWith(plugins) });
    const file = join(folder, "trial.yaml");
    return await loadNamedPlugins(readTrialSource(trialWith(plugins), file, overrides));
  };
  const assertRejected = async (plugins: readonly string[], message: RegExp) => {
    await assert.rejects(load(plugins), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  };

  it("are found from the trial file's folder, by path or by package", async () => {
    await rm(join(folder, "node_modules"));
    await write({
      "mine.mjs": attack("mine"),
      "node_modules/fedclair-plugin-x/package.json": JSON.stringify({
        name: "fedclair-plugin-x",
        version: "2.1.0",
        type: "module",
        exports: { import: "./lib/index.js" },
      }),
      "node_modules/fedclair-plugin-x/lib/index.js":
        `export default []; ${attack("x").replace("export default", "const x =")}`
          .replace("export default [];", "")
          .concat("\n export default [x];"),
    });
    for (const name of ["@fedclair", "zod"]) {
      await symlink(join(workspace, "node_modules", name), join(folder, "node_modules", name));
    }
    const { attacks, outside } = await load(["./mine.mjs", "fedclair-plugin-x"]);
    assert.ok(attacks.has("mine") && attacks.has("x"));
    assert.deepEqual(
      outside?.map(({ kind, name, version }) => [kind, name, version]),
      [
        ["attack", "mine", ""],
        ["attack", "x", "2.1.0"],
      ],
    );
  });

  it("can come from an override, which is resolved from the working directory", async () => {
    await write({ "mine.mjs": attack("mine") });
    const { outside } = await load(["./absent.js"], [`plugins=[${join(folder, "mine.mjs")}]`]);
    assert.equal(outside?.[0]?.name, "mine");
  });

  it("appear in the resolved trial if it uses them, and only processes with the same plug-ins accept it", async () => {
    await write({ "mine.mjs": attack("mine"), "other.mjs": attack("other") });
    const plugins = await load(["./mine.mjs", "./other.mjs"]);
    const trial = parseTrial(trialWith(["./mine.mjs", "./other.mjs"]), "trial.yaml", plugins);
    assert.deepEqual(
      pluginIdentities(trial).map(({ name }) => name),
      ["mine"],
    );
    assert.deepEqual(parseTrial(JSON.stringify(trial), "resolved", plugins), trial);
    const builtIn = await loadBuiltIn();
    assert.throws(
      () => parseTrial(JSON.stringify(trial), "resolved", builtIn),
      /resolved: plugins: the trial's attack 'mine' is without a version \(code [0-9a-f]{16}\), this process has none/,
    );
  });

  it("are found again from the trial of a run folder, and compared", async () => {
    await write({ "mine.mjs": attack("mine") });
    const plugins = await load(["./mine.mjs"]);
    const trial = parseTrial(trialWith(["./mine.mjs"]), "trial.yaml", plugins);
    assert.ok(!JSON.stringify(trial).includes("mine.mjs"), "no path travels to hosts");
    const kept = JSON.stringify(withModules(trial, plugins.outside));
    const again = async () => {
      await write({ "run/trial.yaml": kept });
      const file = join(folder, "run/trial.yaml");
      return parseTrial(
        kept,
        "run/trial.yaml",
        await loadNamedPlugins(readTrialSource(kept, file)),
      );
    };
    assert.deepEqual(await again(), trial);
    await rm(join(folder, "mine.mjs"));
    await assert.rejects(
      again(),
      /run\/trial\.yaml:\d+:\d+: plugins: attack 'mine': '\S+': there is no file /,
    );
  });

  it("have a hash of all their own files, and of nothing else", async () => {
    const hash = async (helper: string, data: string) => {
      await write({
        "mine.mjs": `import "./lib/helper.mjs"; ${attack("mine")}`,
        "lib/helper.mjs": helper,
        "data.csv": data,
      });
      const { outside } = await load(["./mine.mjs"]);
      return outside?.[0]?.hash;
    };
    const first = await hash("export const a = 1;", "1,2");
    assert.match(first ?? "", /^[0-9a-f]{16}$/);
    assert.equal(await hash("export const a = 1;", "1,3"), first);
    assert.notEqual(await hash("export const a = 2;", "1,2"), first);
  });

  it("include the aggregators of a task", async () => {
    await write({
      "mine.mjs": `
        import { z } from "zod";
        const schema = z.strictObject({});
        const own = { name: "own-rule", summary: "Own.", schema, create: () => ({ aggregate: () => 0 }) };
        export default {
          kind: "task", name: "own-task", summary: "Own.", schema, aggregators: [own],
          create: () => ({ start: () => 0, openShard: () => 0 }),
        };`,
    });
    const { outside } = await load(["./mine.mjs"]);
    assert.deepEqual(
      outside?.map(({ kind, name }) => `${kind} ${name}`),
      ["task own-task", "aggregator own-rule"],
    );
  });

  it("rejects a FIFO as a module, or imported by one, which would block the process", async function () {
    if (process.platform === "win32") this.skip();
    spawnSync("mkfifo", [join(folder, "fifo.mjs")]);
    await writeFile(join(folder, "mine.mjs"), 'import "./fifo.mjs"; export default [];');
    assert.throws(
      () => resolveModule("./fifo.mjs", folder, "trial.yaml: plugins"),
      new UserError("trial.yaml: plugins: './fifo.mjs': expected a regular file"),
    );
    for (const name of ["fifo", "mine"]) {
      await assert.rejects(
        loadPlugins([{ file: join(folder, `${name}.mjs`), place: name }]),
        new UserError(`'${join(folder, "fifo.mjs")}': expected a regular file`),
      );
    }
  });

  it("leave the built-in ones unchanged if there are none", async () => {
    assert.deepEqual(await loadPlugins([]), await loadBuiltIn());
  });

  for (const [what, files, named, message] of [
    [
      "no file",
      {},
      "./mine.js",
      /trial\.yaml:1:47: plugins: '\.\/mine\.js': there is no file \S+mine\.js: put it there, or correct the path$/,
    ],
    ["no ending", { "mine.js": "" }, "./mine", /there is no file .*: did you mean \.\/mine\.js\?/],
    [
      "a file without its path",
      { "mine.js": "" },
      "mine.js",
      /is no package: name .* path, \.\/mine\.js/,
    ],
    [
      "no package",
      {},
      "fedclair-plugin-none",
      /no such package can be found from \S+ \(ERR_MODULE_NOT_FOUND\): npm install/,
    ],
    ["a module of Node.js", {}, "fs", /'fs' is no module of plug-ins/],
    ["a folder", { "mine/index.js": "" }, "./mine", /is a folder: name .* as \.\/mine\/index\.js/],
    [
      "TypeScript",
      { "mine.ts": "" },
      "./mine.ts",
      /is TypeScript: compile it \(npx tsc\) and name the \.js file/,
    ],
    [
      "an error",
      { "mine.mjs": "\nthrow new Error('no luck')" },
      "./mine.mjs",
      /cannot be imported: Error: no luck \(line 2\)/,
    ],
    [
      "a wrong word",
      { "mine.mjs": "\n\nlet let = 1" },
      "./mine.mjs",
      /cannot be imported: SyntaxError: .*; node --check '\S+mine\.mjs' shows where$/,
    ],
    [
      "no default",
      { "mine.mjs": "export const a = 1" },
      "./mine.mjs",
      /has no default export: export default definePlugin/,
    ],
    [
      "an empty array",
      { "mine.mjs": "export default []" },
      "./mine.mjs",
      /exports no plug-in: its array is empty/,
    ],
    [
      "a number",
      { "mine.mjs": "export default 7" },
      "./mine.mjs",
      /expected a plug-in, as definePlugin.* got 7/,
    ],
    [
      "one of two wrong",
      { "mine.mjs": "export default [{}, 7]" },
      "./mine.mjs",
      /, plug-in 1 of 2: kind: expected/,
    ],
    [
      "no schema",
      { "mine.mjs": attack("mine", "schema: undefined") },
      "./mine.mjs",
      /schema: missing/,
    ],
    [
      "a loose schema",
      { "mine.mjs": attack("mine", "schema: z.object({})") },
      "./mine.mjs",
      /expected z\.strictObject, for a misspelt/,
    ],
    [
      "a built-in name",
      { "mine.mjs": attack("sign-flip") },
      "./mine.mjs",
      /attack 'sign-flip': the name is built in; choose another/,
    ],
    ["a NUL in its path", {}, "./a\0b.mjs", /'\.\/a\\u\{0\}b\.mjs': expected a path without NUL/],
    [
      "a package that is not there",
      { "mine.mjs": "import 'none-such'" },
      "./mine.mjs",
      /cannot be imported: .*Cannot find package 'none-such'/,
    ],
  ] as const) {
    it(`with ${what} are rejected with a readable error`, async () => {
      await write(files);
      await assertRejected([named], message);
    });
  }

  it("with a duplicate name are rejected, and a module that is named twice counts once", async () => {
    await write({ "mine.mjs": attack("mine"), "other.mjs": attack("mine") });
    await assertRejected(
      ["./mine.mjs", "./other.mjs"],
      /'\.\/other\.mjs': attack 'mine': the name is another plug-in's/,
    );
    assert.equal(
      (await load(["./mine.mjs", "../".concat(folder.split("/").at(-1) ?? "", "/mine.mjs")]))
        .outside?.length,
      1,
    );
  });

  it("that would load a second copy of core are rejected", async () => {
    await rm(join(folder, "node_modules"));
    await write({
      "mine.mjs": attack("mine"),
      "node_modules/@fedclair/core/package.json": '{"name":"@fedclair/core","main":"index.js"}',
      "node_modules/@fedclair/core/index.js": "",
    });
    await assertRejected(
      ["./mine.mjs"],
      /it would load a second '@fedclair\/core', \S+: install fedclair next to/,
    );
  });

  it("that find no core import this program's", async () => {
    await rm(join(folder, "node_modules"));
    await write({ "mine.mjs": attack("mine") });
    assert.deepEqual(
      (await load(["./mine.mjs"])).outside?.map(({ name }) => name),
      ["mine"],
    );
  });

  it("that never finish their top level time out", async () => {
    await write({ "mine.mjs": "await new Promise(() => {}); export default 7;" });
    await assert.rejects(importPlugins(join(folder, "mine.mjs"), "'./mine.mjs'", 0.01), (error) => {
      assert.ok(error instanceof UserError);
      const message =
        /^'\.\/mine\.mjs' cannot be imported: its top level still awaits .* after 0\.01 s;/;
      assert.match(error.message, message);
      return true;
    });
  });

  it("are named in the error if their schemas are asynchronous or throw", async () => {
    for (const [refinement, message] of [
      ["async () => true", /^attack 'mine': its schema must be synchronous: a refinement/],
      ["() => { throw new Error('odd'); }", /^attack 'mine': its schema throws Error: odd: a ref/],
    ] as const) {
      const schema = `z.strictObject({ x: z.int().default(1).refine(${refinement}) })`;
      const name = `mine-${refinement.length}.mjs`;
      await write({ [name]: attack("mine", `schema: ${schema}`) });
      const plugins = await load([`./${name}`]);
      assert.throws(
        () => parseTrial(trialWith([`./${name}`]), "trial.yaml", plugins),
        (error: unknown) => error instanceof UserError && message.test(error.message),
      );
    }
  });

  it("report errors by the lines of their TypeScript source", async () => {
    // Its first line, from the first column, is the fourth line of mine.ts.
    const map = { version: 3, sources: ["mine.ts"], names: [], mappings: "AAGA" };
    const base64 = Buffer.from(JSON.stringify(map)).toString("base64");
    const comment = `//# sourceMappingURL=data:application/json;base64,${base64}\n`;
    await write({ "mine.mjs": `throw new Error("odd"); export default 7;\n${comment}` });
    const [file, script] = [join(folder, "mine.mjs"), import.meta.resolve("./import-plugins.js")];
    // In a process without source maps; in this one they may be enabled already.
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...["--input-type=module", "--eval"],
        `import { importPlugins } from "${script}";
        await importPlugins("${file}", "it").catch(() => undefined);
        await import("${file}").catch(({ stack }) => console.log(stack));`,
      ],
      { encoding: "utf8", cwd: folder },
    );
    assert.match(stdout, /mine\.ts:4:1/, stderr);
  });

  it("that throw when they are created cause a user error", async () => {
    await write({ "mine.mjs": attack("mine", "create: () => { throw new Error('odd'); }") });
    const plugins = await load(["./mine.mjs"]);
    assert.throws(
      () => parseTrial(trialWith(["./mine.mjs"]), "trial.yaml", plugins),
      /attack 'mine' cannot be made with these options: Error: odd \(file:.*mine\.mjs.*:\d+:\d+\)$/,
    );
  });
});
