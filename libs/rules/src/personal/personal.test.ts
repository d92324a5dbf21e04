import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  loadRegistry,
  Matrix,
  shapesOf,
  type Params,
  type PersonalMethod,
  type Plugin,
} from "@fedclair/core";
import { trialSchema } from "@fedclair/core/internal";
import { describePersonal, play, toyPlugins, twoLayerTask } from "@fedclair/core/testing";
import { fedavg } from "../aggregators/fedavg/index.js";
import { personalLoaders } from "../client-loaders.js";

const personal = await loadRegistry<Plugin<PersonalMethod>>(personalLoaders);

type Rows = readonly (readonly number[])[];
type NamedRows = Readonly<Record<string, Rows | readonly number[]>>;

/** What reference.py computed. */
interface Fixture {
  readonly rounds: number;
  readonly count: number;
  readonly rate: number;
  readonly x: readonly Rows[];
  readonly y: readonly Rows[];
  readonly start: NamedRows;
  readonly models: NamedRows;
  readonly cases: readonly {
    readonly name: string;
    readonly options: object;
    /** The loss of each client in each round. */
    readonly losses: Rows;
    readonly shared: NamedRows;
    readonly own?: readonly NamedRows[];
  }[];
}

const fixture = JSON.parse(
  readFileSync(new URL("../../../fixtures/personal/personal.json", import.meta.url), "utf8"),
) as Fixture;

const { rounds, count, rate, x, y } = fixture;
const start = toParams(fixture.start);
const task = twoLayerTask({
  start,
  count,
  rate,
  dataOf: (client) => ({ x: toMatrix(x[client] ?? []), y: toMatrix(y[client] ?? []) }),
});
const plugins = {
  tasks: new Map([[task.name, task]]),
  aggregators: new Map([[fedavg.name, fedavg]]),
  attacks: toyPlugins.attacks,
  personal,
};

for (const plugin of personal.values()) {
  describePersonal(plugin);
}

describe("personal methods", () => {
  for (const { name, options, losses, shared, own } of fixture.cases) {
    it(`${name} gives the numbers of its reference in NumPy`, async () => {
      const trial = trialSchema(plugins).parse({
        name: "reference",
        rounds,
        clients: x.length,
        task: { name: task.name },
        aggregator: { name: fedavg.name },
        personal: { name, ...options },
      });
      const played = await play(trial, plugins, name === "ifca" ? { from: givenModels() } : {});
      const measured = played.rounds.map(({ record }) =>
        record.clients.map(({ evaluation }) => evaluation?.loss ?? NaN),
      );
      assertNear(measured.flat(), losses.flat());
      assertParams(played.state.params, shared);
      assert.equal(played.state.personal.size, own?.length ?? 0);
      [...played.state.personal.values()].forEach(({ base }, i) => {
        assertParams(base as Params, own?.[i] ?? {});
      });
    });
  }

  it("all have a reference", () => {
    assert.deepEqual(new Set(fixture.cases.map(({ name }) => name)), new Set(personal.keys()));
  });

  it("that split the model reject one of a single module, and a head that it lacks", async () => {
    const playWith = (choice: object) => {
      const head = new Map([...start].slice(1));
      const dataOf = () => assert.fail("no client");
      const alone = twoLayerTask({ start: head, count, rate, dataOf });
      const tasks = "head" in choice ? plugins.tasks : new Map([[task.name, alone]]);
      const own = { ...plugins, tasks };
      const trial = trialSchema(own).parse({
        name: "heads",
        rounds,
        clients: 2,
        task: { name: task.name },
        aggregator: { name: fedavg.name },
        personal: choice,
      });
      return play(trial, own);
    };
    await assert.rejects(
      playWith({ name: "fedper" }),
      /personal method 'fedper' cannot start: sends: head: head is all of the model, so nothing would be shared/,
    );
    await assert.rejects(
      playWith({ name: "fedrep", head: ["top"] }),
      /head: the model has no module 'top'; expected some of body, head/,
    );
  });
});

/** A state before the first round with the models of the fixture, which noise would set apart. */
function givenModels() {
  return {
    round: 0,
    params: toParams(fixture.models),
    personal: new Map(),
    own: new Map(),
    ask: { phase: "train", expects: shapesOf(start) },
    task: undefined,
    aggregator: undefined,
    attacks: new Map(),
    mods: new Map(),
  };
}

function toMatrix(rows: Rows): Matrix {
  return Matrix.fromRowMajor(rows.length, rows[0]?.length ?? 0, rows.flat());
}

function toParams(named: NamedRows): Params {
  return new Map(
    Object.entries(named).map(([name, rows]) => {
      const data = Float64Array.from(rows.flat());
      const width = data.length / rows.length;
      return [name, { shape: width > 1 ? [rows.length, width] : [rows.length], data }];
    }),
  );
}

function assertParams(params: Params, named: NamedRows): void {
  const expected = toParams(named);
  assert.deepEqual([...params.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { data }] of expected) assertNear(params.get(name)?.data ?? [], data);
}

function assertNear(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(got.length, expected.length);
  for (let i = 0; i < got.length; i++) {
    const [value = NaN, wanted = NaN] = [got[i], expected[i]];
    assert.ok(Math.abs(value - wanted) < 1e-10, `${i}: ${value}, expected ${wanted}`);
  }
}
