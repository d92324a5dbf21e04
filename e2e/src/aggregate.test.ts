import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadBuiltIn } from "@fedclair/plugins";
import {
  readNumbers,
  decodeSafetensors,
  toDense,
  toMatrix,
  toTensor,
  type Aggregation,
  type Delta,
  type LowRank,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { createPlugin, exitCodes } from "@fedclair/core/internal";
import {
  addScaled,
  frobenius,
  gaussian,
  hstack,
  Matrix,
  multiply,
  stream,
  subtract,
  thinQr,
} from "@fedclair/linalg";
import { save } from "./support/adapters.js";
import { fedclair } from "./support/command.js";
import { listDocumentedCommands } from "./support/documented-commands.js";
import { temporaryFolder } from "./support/paths.js";

const [p, q, r] = [24, 18, 2];
const modules = ["base_model.model.a", "base_model.model.b"];
const clients = Array.from({ length: 10 }, (_, k) => `client-${k}`);
const isBad = (k: number) => k % 5 === 1;

/**
 * Creates a round's changes by client. The columns of benign ones share a space in every module.
 */
function createChanges(round: number): Map<string, Delta> {
  const rng = stream("aggregate").at(round);
  return new Map(
    clients.map((client, k) => {
      const delta = modules.map((module): [string, LowRank] => {
        const own = rng.at(client, module);
        const shared = isBad(k) ? own : stream("space").at(module);
        const b = multiply(thinQr(gaussian(shared.at("U"), p, r)).q, gaussian(own.at("C"), r, r));
        addScaled(b, 1, gaussian(own.at("E"), p, r, 0.02));
        return [module, { b: toTensor(b), a: toTensor(gaussian(own.at("A"), r, q)) }];
      });
      return [client, new Map(delta)];
    }),
  );
}

/** Writes an adapter whose change is the sum of the pairs, by module. */
async function saveSum(folder: string, parts: readonly Delta[]): Promise<void> {
  let rank = 0;
  const tensors = modules.flatMap((module) => {
    const pairs = parts.map((part) => part.get(module) as LowRank);
    const b = hstack(pairs.map((pair) => toMatrix(pair.b)));
    const a = hstack(pairs.map((pair) => toMatrix(pair.a).transpose())).transpose();
    rank = b.cols;
    return [
      [`${module}.lora_A.weight`, { shape: [rank, q], values: a.toRowMajor() }],
      [`${module}.lora_B.weight`, { shape: [p, rank], values: b.scale(0.5).toRowMajor() }],
    ] as const;
  });
  await save(folder, rank, new Map(tensors));
}

/** Reads the change that an adapter adds to the base, by module. */
async function read(folder: string): Promise<Delta> {
  const { params } = decodeSafetensors(await readFile(join(folder, "adapter_model.safetensors")));
  const config = JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8")) as {
    readonly r: number;
    readonly lora_alpha: number;
  };
  return new Map(
    modules.map((module) => {
      const [b, a] = ["B", "A"].map((half) => params.get(`${module}.lora_${half}.weight`));
      assert.ok(b && a);
      const scaled = toMatrix(b).scale(config.lora_alpha / config.r);
      return [module, { b: toTensor(scaled), a }];
    }),
  );
}

function assertSum(got: Delta, parts: readonly Delta[], what: string): void {
  for (const module of modules) {
    const sum = new Matrix(p, q);
    for (const part of parts) {
      const term = part.get(module);
      if (term) addScaled(sum, 1, toDense(term));
    }
    const one = got.get(module);
    assert.ok(one);
    const far = frobenius(subtract(toDense(one), sum)) / frobenius(sum);
    assert.ok(far < 1e-5, `${what}, ${module}: ${far}`);
  }
}

interface Report {
  readonly round: number;
  readonly clients: readonly ({ readonly name: string; readonly status: string | null } & Pick<
    Verdict,
    "score"
  > &
    Partial<Pick<Verdict, "reason">>)[];
  readonly discarded: number;
  readonly warnings: readonly string[];
}

async function aggregate(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await fedclair(["aggregate", ...args, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}

function toUpdates(changes: ReadonlyMap<string, Delta>): Update[] {
  return [...changes].map(([clientId, delta]) => ({
    clientId,
    numExamples: 1,
    delta,
    metrics: {},
  }));
}

describe("fedclair aggregate", function () {
  it("gives the same as two rounds of a trial, and keeps the aggregator's state", async () => {
    const folder = await temporaryFolder();
    const state = join(folder, "state");
    const { aggregators } = await loadBuiltIn();
    const clair = aggregators.get("clair");
    assert.ok(clair);
    const choice = { name: "clair", ...clair.schema.parse({ rank: 2, rule: "gap" }) };
    const aggregator = createPlugin(aggregators, choice);
    const aggregations: Aggregation[] = [];
    for (const round of [1, 2]) {
      // One client is missing in the second round.
      const changes = createChanges(round);
      if (round === 2) changes.delete("client-9");
      const rng = stream(1).at("aggregate", "train", round);
      const input = { round, phase: "train", updates: toUpdates(changes), rng };
      const expected = await aggregator.aggregate(input, aggregations.at(-1)?.state);
      aggregations.push(expected);

      const sent = join(folder, `sent-${round}`);
      for (const [client, delta] of changes) {
        const previous = round === 1 ? [] : [await read(join(folder, "out-1", "personal", client))];
        await saveSum(join(sent, client), [...previous, delta]);
      }
      const out = join(folder, `out-${round}`);
      const options = ["rank=2", "rule=gap", "models=personal"].flatMap((one) => ["--set", one]);
      const report = await aggregate(
        ...[sent, "--aggregator", "clair", ...options, "--rank", "18"],
        ...["--state", state, "--out", out],
      );
      assert.equal(report.round, round);
      assert.ok(report.discarded < 1e-9);
      for (const { clientId, status, score } of expected.verdicts ?? []) {
        const got = report.clients.find(({ name }) => name === clientId);
        assert.equal(got?.status, status);
        assert.ok(Math.abs((got.score ?? NaN) - (score ?? NaN)) < 1e-4, `${clientId} ${round}`);
      }
      const caught = report.clients.filter(({ status }) => status === "contaminated");
      assert.deepEqual(
        caught.map(({ name }) => name),
        ["client-1", "client-6"],
      );
      const all = aggregations.map(({ change }) => change).flat();
      assertSum(await read(join(out, "global")), all, `global ${round}`);
      for (const client of changes.keys()) {
        const own = aggregations.flatMap(({ personal }) => [...(personal?.get(client) ?? [])]);
        assertSum(await read(join(out, "personal", client)), own, `${client} ${round}`);
      }
    }
    const saved = join(state, "round-2", "personal");
    assert.deepEqual((await readdir(state)).sort(), ["memory.state", "round-2"]);
    assert.deepEqual((await readdir(saved)).sort(), clients);
    const away = [...(aggregations[0]?.personal?.get("client-9") ?? [])];
    assertSum(await read(join(saved, "client-9")), away, "who was away");
    await rm(folder, { recursive: true });
  });

  it("runs the commands of docs/python.md and writes a self-contained report", async () => {
    const folder = await temporaryFolder();
    for (const round of [1, 2]) {
      for (const [client, delta] of createChanges(round)) {
        await saveSum(join(folder, `round-${round}`, client), [delta]);
      }
    }
    const shown = listDocumentedCommands().filter(
      ({ document, words }) => document === "docs/python.md" && words[2] === "aggregate",
    );
    assert.equal(shown.length, 3);
    for (const { words } of shown) {
      // A script of the reader's: every version has the same loss.
      const args = words.slice(2).map((word) => word.replace("python loss.py", "echo 1; : "));
      const { code, stdout, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /clair on 10 clients: \d contaminated/);
    }
    const page = await readFile(join(folder, "handed-out-2", "report.html"), "utf8");
    assert.match(page, /Round 2, clair on 10 clients/);
    assert.doesNotMatch(page, /(?:src|href)="(?!data:|#)/);
    await rm(folder, { recursive: true });
  });

  it("weights clients by their examples and accepts adapters that start at zero in every round", async () => {
    const folder = await temporaryFolder();
    const counts = Object.fromEntries(clients.map((client, k) => [client, k + 1]));
    await writeFile(join(folder, "examples.json"), JSON.stringify(counts));
    for (const round of [1, 2]) {
      const [sent, out] = [join(folder, `in-${round}`), join(folder, `out-${round}`)];
      const changes = createChanges(round);
      for (const [client, delta] of changes) await saveSum(join(sent, client), [delta]);
      const { clients: said } = await aggregate(
        ...[sent, "--aggregator", "fedavg", "--merged"],
        ...["--examples", join(folder, "examples.json")],
        ...["--state", join(folder, "state"), "--rank", "18", "--out", out],
      );
      assert.ok(said.every(({ status }) => status === null));
      const mean = [...changes.values()].map((delta, k) => scale(delta, (k + 1) / 55));
      assertSum(await read(join(out, "global")), mean, `round ${round}`);
    }
    await rm(folder, { recursive: true });
  });

  it("compares copies once, so that nobody is framed by copies of an adapter", async () => {
    const folder = await temporaryFolder();
    const changes = createChanges(1);
    const framed = changes.get("client-0");
    assert.ok(framed);
    for (const copy of ["copy-1", "copy-2"]) changes.set(copy, framed);
    for (const [client, delta] of changes) await saveSum(join(folder, "in", client), [delta]);
    const found = await aggregate(
      ...[join(folder, "in"), "--aggregator", "clair", "--set", "models=personal"],
      ...["--out", join(folder, "out")],
    );
    const byName = new Map(found.clients.map((one) => [one.name, one]));
    for (const name of ["client-0", "copy-1", "copy-2"]) {
      const { status, reason = "" } = byName.get(name) ?? assert.fail(name);
      assert.notEqual(status, "contaminated");
      assert.match(reason, /is a copy of (client-0|copy-1|copy-2) and 1 more, or they are of it$/);
    }
    assert.match(found.warnings.join(), /^nobody measured if the refined changes are better/);
    const [first, copy] = await Promise.all(
      ["client-0", "copy-1"].map((name) => read(join(folder, "out", "personal", name))),
    );
    assert.deepEqual(copy, first);
    await rm(folder, { recursive: true });
  });

  it("reports errors and leaves the state unchanged", async () => {
    const folder = await temporaryFolder();
    const changes = createChanges(1);
    for (const [client, delta] of changes) await saveSum(join(folder, "in", client), [delta]);
    const state = ["--state", join(folder, "state")];
    const step = (...args: readonly string[]) =>
      fedclair(["aggregate", join(folder, "in"), ...args]);
    const first = await step("--aggregator", "fedavg", ...state, "--out", join(folder, "a"));
    assert.match(
      first.stdout,
      /Round 1, fedavg on 10 clients\.\nIn .*: global, the adapter for all;/,
    );
    for (const [args, said] of [
      [["--aggregator", "fedavg", "--out", join(folder, "a")], /--out: '.*' exists already/],
      [
        ["--aggregator", "median", ...state, "--out", join(folder, "b")],
        /error: --aggregator: aggregator.name: expected one of clair, .*, got "median"/,
      ],
      [
        [
          "--aggregator",
          "fedavg",
          "--set",
          "weighting=uniform",
          ...state,
          "--out",
          join(folder, "b"),
        ],
        /begun otherwise: weighting "samples" then, "uniform" now; say the same/,
      ],
      [
        ["--aggregator", "clair", ...state, "--out", join(folder, "b")],
        /begun otherwise: aggregator fedavg then, clair now; say the same/,
      ],
      [
        ["--aggregator", "fedavg", "--state", folder, "--out", join(folder, "b")],
        /--state: '.*' holds other things and no state: choose another folder/,
      ],
      [
        ["--aggregator", "fedavg", "--state", join(folder, "in", "s"), "--out", join(folder, "b")],
        /--state: '.*' lies in the folder of the round/,
      ],
      [
        ["--aggregator", "fedavg", ...state, "--out", join(folder, "b")],
        /'.*in' holds the adapters of round 1, which '.*state' has done already: give those of round 2/,
      ],
      [
        ["--aggregator", "fedavg", "--examples", join(folder, "none"), "--out", join(folder, "b")],
        /--examples: cannot read/,
      ],
    ] as const) {
      const { code, stderr } = await step(...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    }
    const lock = join(folder, "state", "lock");
    await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), since: "today" }));
    const beside = await step("--aggregator", "fedavg", ...state, "--out", join(folder, "b"));
    assert.match(beside.stderr, new RegExp(`in use by process ${process.pid} .* since today`));
    await rm(lock);
    const broken = new Map(
      [...createChanges(2).values()].slice(0, 1).map((delta) => ["client-0", delta]),
    );
    for (const [client, delta] of broken) {
      const nan = scale(delta, NaN);
      await rm(join(folder, "in", client), { recursive: true });
      await saveSum(join(folder, "in", client), [nan]);
    }
    const second = await step("--aggregator", "fedavg", ...state, "--out", join(folder, "b"));
    assert.match(second.stdout, /client-0 +invalid .*lora_A: entry 0 is NaN/);
    assert.match(second.stdout, /Round 2, fedavg on 10 clients/);
    await rm(folder, { recursive: true });
  });

  it("counts one client per folder, whatever a client puts into its own", async function () {
    if (process.platform === "win32") this.skip();
    const folder = await temporaryFolder();
    const sent = join(folder, "in");
    const changes = [...createChanges(1)].slice(2, 6);
    for (const [client, delta] of changes) await saveSum(join(sent, client), [delta]);
    for (const client of ["eve", "ivan", "mallory", "oscar"]) {
      const [, delta] = changes[0] ?? assert.fail();
      await saveSum(join(sent, client), [scale(delta, 1000)]);
    }
    for (let k = 0; k < 20; k++) {
      await cp(join(sent, "oscar"), join(sent, "eve", `x${k}`), { recursive: true });
    }
    await symlink("../ivan", join(sent, "ivan", "again"));
    await rm(join(sent, "mallory", "adapter_model.safetensors"));
    execFileSync("mkfifo", [join(sent, "mallory", "adapter_model.safetensors")]);
    const config = join(sent, "oscar", "adapter_config.json");
    const patterns = { alpha_pattern: { "([a-z0-9_.]+)+\\1!": 4 } };
    const plain = JSON.parse(await readFile(config, "utf8")) as object;
    await writeFile(config, JSON.stringify({ ...plain, ...patterns }));
    await mkdir(join(sent, ".cache", "other"), { recursive: true });

    const out = join(folder, "out");
    const { clients: found } = await aggregate(
      ...[sent, "--aggregator", "coordinate-median", "--out", out, "--rank", "18"],
    );
    const reasons = found.filter(({ status }) => status === "invalid");
    assert.equal(found.length, 8);
    for (const [i, [name, reason]] of [
      ["eve", /^adapters deeper in it: 'x0' and 19 more; expected one adapter/],
      ["ivan", /^'again' in it is a link/],
      ["mallory", /adapter_model.safetensors': expected a regular file, got a FIFO/],
      ["oscar", /alpha_pattern.*without backreferences and lookaround/],
    ].entries() as Iterable<[number, [string, RegExp]]>) {
      assert.equal(reasons[i]?.name, name);
      assert.match(reasons[i].reason ?? "", reason);
    }
    const honest = join(folder, "honest");
    for (const [client, delta] of changes) await saveSum(join(honest, client), [delta]);
    const alone = join(folder, "alone");
    await aggregate(
      ...[honest, "--aggregator", "coordinate-median", "--out", alone, "--rank", "18"],
    );
    assertSum(await read(join(out, "global")), [await read(join(alone, "global"))], "median");
    await rm(folder, { recursive: true });
  });

  it("continues only with the plug-in code that it started with", async () => {
    const folder = await temporaryFolder();
    const step = async (round: number) => {
      for (const [client, delta] of createChanges(round)) {
        await saveSum(join(folder, `in-${round}`, client), [delta]);
      }
      const out = ["--state", "state", "--out", `out-${round}`];
      const args = [`in-${round}`, "--aggregator", "first", "--plugin", "./first.js", ...out];
      return await fedclair(["aggregate", ...args], { cwd: folder });
    };
    const code = (change: string) => `export default {
      kind: "aggregator", name: "first", summary: "One client's change.", schema: z.strictObject({}),
      create: () => ({ aggregate: async ({ updates }) => ({ change: [${change}] }) }),
    };`;
    const zod = `import { z } from ${JSON.stringify(import.meta.resolve("zod"))};\n`;
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    await writeFile(join(folder, "first.js"), zod + code("updates[0].delta"));
    for (const round of [1, 2]) {
      const { code: exit, stderr } = await step(round);
      assert.equal(exit, 0, stderr);
    }
    await writeFile(join(folder, "first.js"), zod + code("updates[1].delta"));
    const { code: exit, stderr } = await step(3);
    assert.match(
      stderr,
      /begun otherwise: code \{.*\} then, \{.*\} now; say the same, or begin another state/,
    );
    assert.equal(exit, 2);
    for (const [change, said] of [
      [
        "{ delta: updates[0].delta }",
        /aggregator 'first' returned no list of changes: .*, got change\[0\]: an object/,
      ],
      [
        `new Map([[${JSON.stringify(modules[0])}, { shape: [2], data: new Float64Array(2) }]])`,
        /the aggregate's module '.*\.a' is 2, not 24×18/,
      ],
    ] as const) {
      await writeFile(join(folder, "first.js"), zod + code(change));
      const odd = ["--aggregator", "first", "--plugin", "./first.js", "--out", "odd"];
      const { code: exit, stderr } = await fedclair(["aggregate", "in-3", ...odd], { cwd: folder });
      assert.match(stderr, said);
      assert.equal(exit, exitCodes.stopped);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
    await rm(folder, { recursive: true });
  });
});

function scale(delta: Delta, factor: number): Delta {
  return new Map(
    [...delta].map(([module, pair]) => {
      const { b, a } = pair as LowRank;
      return [module, { b, a: { ...a, data: readNumbers(a).map((x) => x * factor) } }];
    }),
  );
}
