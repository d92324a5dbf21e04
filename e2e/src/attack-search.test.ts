import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  stream,
  toTensor,
  type Aggregator,
  type AttackedRound,
  type Stream,
  type Update,
} from "@fedclair/core";
import { gaussian, multiply } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { workspace } from "./support/paths.js";

/** Loads a module of npm run lab -- attack-search, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(
    pathToFileURL(join(workspace, "studies/clair/attack-search", path)).href
  ) as Promise<T>;
}

type Round = AttackedRound & { readonly mean: Float64Array; readonly reach: number };

interface Forge {
  readonly readRound: (round: AttackedRound) => Round;
  readonly forge: (round: Round, weights: readonly number[]) => readonly Update[];
}

interface Damage {
  readonly harm: number;
  readonly isFlagged: boolean;
  readonly falseAlarms: number;
}

interface Measure {
  readonly measureRound: (
    aggregator: Aggregator,
    round: Round,
    forged: readonly Update[],
  ) => Promise<Damage>;
}

interface Point {
  readonly weights: readonly number[];
  readonly harm: number;
  readonly flagged: number;
}

interface Search {
  readonly searchAttacks: (
    evaluate: (weights: readonly number[]) => Promise<Omit<Point, "weights">>,
    starts: readonly (readonly number[])[],
    limits: readonly number[],
    evaluations: number,
    rng: Stream,
  ) => Promise<readonly Point[]>;
  readonly findBest: (points: readonly Point[], limit: number) => Point;
}

interface Attacked {
  readonly name: string;
  readonly limit?: number;
  readonly searchedFlagged: number;
  readonly damage: readonly Damage[];
}

interface QuickClair {
  readonly quickClair: (options: unknown) => Aggregator;
}

interface AttackRule {
  readonly attackRule: (aggregator: Aggregator, options: object) => Promise<readonly Attacked[]>;
}

const update = (clientId: string, ...values: number[]): Update => ({
  clientId,
  numExamples: 1,
  metrics: {},
  delta: new Map([["m", { shape: [values.length], data: Float64Array.from(values) }]]),
});
const valuesOf = ({ delta }: Update) => {
  const module = delta.get("m");
  return module && "data" in module ? Array.from(module.data as Float64Array) : [];
};

/** Two honest clients whose mean is (2, 0), each at a distance of 1 from it, and an attacker. */
const small: AttackedRound = {
  own: [update("a", 2, 4)],
  honest: [update("b", 1, 0), update("c", 3, 0)],
  rng: stream("attack-search"),
};

describe("npm run lab -- attack-search", () => {
  it("forges mixtures of the attackers' own updates and directions", async () => {
    const { readRound, forge } = await load<Forge>("forge.js");
    const round = readRound(small);
    assert.deepEqual([...round.mean, round.reach], [2, 0, 1]);
    const sent = (...weights: number[]) => valuesOf(forge(round, weights)[0] ?? update("a"));
    assert.deepEqual(sent(0, 0, 0, 0, 0), [2, 0]);
    assert.deepEqual(sent(0.5, 0, 0, 0, 0), [2, 2]); // half way to what it learnt
    assert.deepEqual(sent(0, 3, 0, 0, 0), [-1, 0]); // three distances against the mean
    assert.deepEqual(sent(0, 0, 1, 0, 0), [1, 0]); // the standard deviation is (1, 0)
    assert.deepEqual(sent(0, 0, 0, 1, 0), [1, 0]);
    assert.deepEqual(sent(0, 0, 0, 0, 1), [1, 0]); // honest clients differ along (1, 0)
  });

  it("measures the progress that a round loses", async () => {
    const { aggregators } = await loadBuiltIn();
    const { readRound } = await load<Forge>("forge.js");
    const { measureRound } = await load<Measure>("measure.js");
    const fedavg = aggregators.get("fedavg")?.create({ weighting: "uniform" } as never);
    assert.ok(fedavg);
    const harm = async (...sent: number[]) =>
      (await measureRound(fedavg, readRound(small), [update("a", ...sent)])).harm;
    assert.ok(Math.abs(await harm(2, 7)) < 1e-12); // the mean is as far along (2, 0)
    assert.ok(Math.abs((await harm(-4, 0)) - 1) < 1e-12); // the mean is 0
  });

  it("searches the most harm at each limit, and repeats it", async () => {
    const { searchAttacks, findBest } = await load<Search>("search.js");
    // Harm is largest at 3, and from 1 on the attacker is flagged.
    const evaluate = ([w = 0]: readonly number[]) =>
      Promise.resolve({ harm: -((w - 3) ** 2), flagged: w > 1 ? 1 : 0 });
    const search = () => searchAttacks(evaluate, [[0], [0.5]], [0, 1], 60, stream("search"));
    const points = await search();
    assert.equal(points.length, 2 + 2 * 60);
    const [hidden, open] = [0, 1].map((limit) => findBest(points, limit).weights[0] ?? NaN);
    assert.ok(hidden !== undefined && hidden <= 1 && hidden > 0.99, String(hidden));
    assert.ok(open !== undefined && Math.abs(open - 3) < 0.01, String(open));
    assert.deepEqual(await search(), points);
  });

  it("finds attacks that harm a rule more than known ones that are flagged as often", async () => {
    const plugins = await loadBuiltIn();
    const { readRound } = await load<Forge>("forge.js");
    const { attackRule } = await load<AttackRule>("attack-rule.js");
    const rounds = [1, 2, 3, 4].map((k) => {
      const rng = stream("rounds").at(k);
      const clients = Array.from({ length: 10 }, (_, i) =>
        update(
          `c${i}`,
          ...rng
            .at(i)
            .normals(6)
            .map((x) => 1 + x),
        ),
      );
      return readRound({ own: clients.slice(0, 2), honest: clients.slice(2), rng });
    });
    const [searched, others] = [rounds.slice(0, 2), rounds.slice(2)];
    const plugin = plugins.aggregators.get("multi-krum");
    assert.ok(plugin);
    const rule = plugin.create(plugin.schema.parse({ fraction: 0.2 }) as never);
    const rng = stream("test");
    const options = { searched, others, plugins, evaluations: 20, rng };
    const attacks = await attackRule(rule, options);
    const harm = ({ damage }: Attacked) => damage.reduce((sum, one) => sum + one.harm, 0);
    for (const known of attacks.filter(({ name }) => name === "alie" || name === "min-max")) {
      const found = attacks.find(({ limit }) => limit === known.searchedFlagged);
      assert.ok(found && found.searchedFlagged <= known.searchedFlagged);
      assert.ok(harm(found) > harm(known), `${known.name}: ${harm(found)}, ${harm(known)}`);
    }
    assert.deepEqual(await attackRule(rule, options), attacks);
  });

  it("judges by CLAIR without controls during the search, with the same result", async () => {
    const { aggregators } = await loadBuiltIn();
    const { readRound, forge } = await load<Forge>("forge.js");
    const { measureRound } = await load<Measure>("measure.js");
    const { quickClair } = await load<QuickClair>("quick-clair.js");
    const basis = gaussian(stream("basis"), 8, 2);
    const clients = Array.from({ length: 12 }, (_, k): Update => {
      const rng = stream("clients").at(k);
      const { data } = toTensor(multiply(basis, gaussian(rng, 2, 6)));
      const delta = new Map([["m", { shape: [8, 6], data }]]);
      return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta };
    });
    const [own, honest] = [clients.slice(0, 3), clients.slice(3)];
    const round = readRound({ own, honest, rng: stream("round") });
    const plugin = aggregators.get("clair");
    assert.ok(plugin);
    const options: unknown = plugin.schema.parse({ models: "global", rank: 2 });
    const [full, quick] = [plugin.create(options as never), quickClair(options)];
    for (const weights of [
      [1, 0, 0, 0, 0],
      [0, 0, 3, 0, 0],
    ]) {
      const forged = forge(round, weights);
      const expected = await measureRound(full, round, forged);
      assert.deepEqual(await measureRound(quick, round, forged), expected);
      assert.equal(expected.isFlagged, weights[2] === 3);
    }
  });

  it("rejects rules that the trial does not have", () => {
    const script = join(workspace, "studies/clair/attack-search.js");
    const { status, stderr } = spawnSync(process.execPath, [script, "--rules", "mean"], {
      cwd: workspace,
      encoding: "utf8",
    });
    assert.equal(status, 2);
    assert.match(stderr, /--rules: expected labels among fedavg, clair, .*, got 'mean'/);
  });
});
