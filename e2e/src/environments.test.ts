import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder, workspace } from "./support/paths.js";
import { mayInstall } from "./support/python.js";

/** Loads a module of `npm run lab -- papers`, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, path)).href) as Promise<T>;
}

interface Made {
  readonly rows: number;
  readonly states: number;
  readonly returns: readonly number[];
}

interface Played {
  readonly returns: readonly number[];
  readonly steps: number;
  readonly unseen: number;
  readonly unknown: number;
}

interface Peer {
  readonly ask: (question: object) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

const { startEnvironments } = await load<{ startEnvironments: () => Promise<Peer> }>(
  "libs/methods/alberdice/claims/environments.js",
);
const { runSweep, readRuns } = await load<{
  runSweep: (file: string, out: string, options: { set: readonly string[] }) => Promise<void>;
  readRuns: (out: string) => readonly { readonly folder: string }[] | undefined;
}>("studies/papers/runs.js");

describe("rware and lbforaging in Python", function () {
  this.timeout(600_000);
  let peer: Peer;
  before(async function () {
    if (!mayInstall()) return this.skip();
    try {
      peer = await startEnvironments();
    } catch (error) {
      const { exitCode, message } = error as { exitCode?: number; message: string };
      if (exitCode !== 3) throw error; // 3: there is no Python or no package index
      process.stderr.write(`${message}\n`);
      this.skip();
    }
  });
  after(() => (peer as Peer | undefined)?.close());

  const make = async (file: string, recipe: string, environment = "foraging") =>
    (await peer.ask({ make: file, environment, recipe, seed: 1 })) as Made;

  it("make the same data again, worse ones if more actions are random", async () => {
    const folder = await temporaryFolder();
    const means: number[] = [];
    for (const recipe of ["expert", "mixed", "poor"]) {
      const file = join(folder, `${recipe}.csv`);
      const { rows, returns } = await make(file, recipe);
      const text = await readFile(file, "utf8");
      const steps = text.trim().split(/\s+/).slice(1);
      assert.equal(steps.length, rows);
      const cells = steps.map((step) => step.split(","));
      // Each of the two foods pays half of all that there is.
      assert.deepEqual(new Set(cells.map(([, , , reward]) => reward)), new Set(["0.0", "0.5"]));
      const starts = new Map(
        cells.toReversed().map(([state, , , , , episode]) => [episode, state]),
      );
      assert.equal(starts.size, returns.length);
      assert.equal(new Set(starts.values()).size, 1, "all episodes start from the same board");
      await make(file, recipe);
      assert.equal(await readFile(file, "utf8"), text);
      means.push(returns.reduce((sum, one) => sum + one, 0) / returns.length);
    }
    const [expert = NaN, mixed = NaN, poor = NaN] = means;
    assert.equal(expert, 1);
    assert.ok(expert > mixed && mixed > poor + 0.3, String(means));
  });

  it("let the script deliver shelves in the warehouse, where random drivers deliver few", async () => {
    const file = join(await temporaryFolder(), "data.csv");
    const { returns, states } = await make(file, "expert", "warehouse");
    // The best that is known for two learnt drivers is about 11 in 500 steps.
    assert.ok(Math.min(...returns) >= 11, String(returns));
    assert.ok(states < 400, String(states));
    const poor = await make(file, "poor", "warehouse");
    assert.ok(Math.max(...poor.returns) < 10, String(poor.returns));
  });

  it("play the policies of a run: AlberDICE's bring home the food, by known joint actions", async () => {
    const folder = await temporaryFolder();
    const data = join(folder, "data.csv");
    await make(data, "expert");
    const play = async (method: string) => {
      const out = join(folder, method);
      const set = [`task.source.file=[${data}]`, `task.method=[${method}]`];
      await runSweep("libs/methods/alberdice/sweeps/alberdice-environments.yaml", out, { set });
      const [run = assert.fail()] = readRuns(out) ?? [];
      return (await peer.ask({
        play: join(run.folder, "params.safetensors"),
        data,
        environment: "foraging",
        seed: 1,
        episodes: 20,
      })) as Played;
    };
    const learnt = await play("alberdice");
    assert.deepEqual(
      learnt.returns,
      learnt.returns.map(() => 1),
    );
    assert.ok(learnt.unseen < 0.01, String(learnt.unseen));
    const cloned = await play("behaviour-cloning");
    assert.ok(cloned.unseen > learnt.unseen, String(cloned.unseen));
    assert.ok(cloned.steps > learnt.steps, String(cloned.steps));
  });
});
