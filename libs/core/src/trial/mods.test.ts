import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { describeMod, oneHost, play, toyPlugins, toyTrial } from "../../testing/index.js";
import type { Aggregator } from "../contracts/aggregator.js";
import type { Attack } from "../contracts/attack.js";
import type { Mod } from "../contracts/mod.js";
import type { Plugin, Plugins } from "../contracts/plugin.js";
import type { ClientPool } from "../contracts/pool.js";
import { exitCodes, UserError } from "../words/errors.js";
import { prepareResolvedTrial } from "./prepare-trial.js";
import type { Trial } from "./trial.js";
import { parseTrial } from "./trial-file.js";
import type { Update } from "../tensors/update.js";

for (const plugin of toyPlugins.mods?.values() ?? []) describeMod(plugin);

const schema = toyPlugins.attacks.get("toy-shift")?.schema ?? assert.fail("no toy");

/** Adds mods and attacks to the toy plug-ins. */
const withPlugins = (
  mods: Readonly<Record<string, Mod>>,
  attacks: Readonly<Record<string, Attack>> = {},
): Plugins => {
  const createPlugins = <T>(all: Readonly<Record<string, T>>) =>
    Object.entries(all).map(([name, one]): [string, Plugin<T>] => [
      name,
      { name, summary: "One.", schema, create: () => one },
    ]);
  return {
    ...toyPlugins,
    mods: new Map([...(toyPlugins.mods ?? []), ...createPlugins(mods)]),
    attacks: new Map([...toyPlugins.attacks, ...createPlugins(attacks)]),
  };
};

/** Plays a trial and lists the first entries of the updates that the aggregator gets, by round. */
async function playFirstEntries(trial: object, plugins: Plugins = toyPlugins): Promise<number[][]> {
  const entries: number[][] = [];
  const spy: Aggregator = {
    aggregate: ({ updates }) => {
      entries.push(updates.map(first));
      return Promise.resolve({ change: [] });
    },
  };
  const aggregator = { name: "spy", summary: "Records its input.", schema, create: () => spy };
  await play(
    { ...toyTrial({ rounds: 1 }), ...trial, aggregator: { name: "spy" } },
    { ...plugins, aggregators: new Map([["spy", aggregator]]) },
  );
  return entries;
}

function first({ delta }: Pick<Update, "delta">): number {
  const dense = delta.get("dense");
  return dense && "data" in dense ? (dense.data[0] ?? NaN) : NaN;
}

const half = { name: "toy-half" };
const whole = { name: "toy-whole" };
const plusOne: Mod = {
  client: (result) => {
    const dense = { shape: [2], data: Float64Array.of(first(result) + 1, 0) };
    return { ...result, delta: new Map([...result.delta, ["dense", dense]]) };
  },
};

describe("mods", () => {
  it("run at the client in the order of the file", async () => {
    // The clients propose 1, 2, 3 and 4.
    const plugins = withPlugins({ "plus-one": plusOne });
    const one = { name: "plus-one" };
    assert.deepEqual(await playFirstEntries({ mods: [half, one] }, plugins), [[1.5, 2, 2.5, 3]]);
    assert.deepEqual(await playFirstEntries({ mods: [one, half] }, plugins), [[1, 1.5, 2, 2.5]]);
  });

  it("run at the coordinator in the reverse order", async () => {
    const order: string[] = [];
    const recordOrder = (name: string): Mod => ({
      server: ({ updates }) => {
        order.push(name);
        return { updates: updates.map((update) => ({ ...update, numExamples: 1 })) };
      },
    });
    const plugins = withPlugins({ outer: recordOrder("outer"), inner: recordOrder("inner") });
    await playFirstEntries({ mods: [{ name: "inner" }, { name: "outer" }] }, plugins);
    assert.deepEqual(order, ["outer", "inner"]);
  });

  it("run before an attack on updates, except for a format, which runs after it", async () => {
    const attacks = [{ attack: { name: "toy-scale" }, clients: ["c00"] }];
    // The attack scales the result of the mod, which a contaminated client does not apply again.
    assert.deepEqual(await playFirstEntries({ mods: [half], attacks }), [[5, 1, 1.5, 2]]);
    const hostile: Attack = {
      corruptUpdate: (honest) => ({
        ...honest,
        delta: new Map([...honest.delta, ["dense", { shape: [2], data: Float64Array.of(0.5, 0) }]]),
      }),
    };
    const [[forged = NaN] = []] = await playFirstEntries(
      { mods: [half, whole], attacks: [{ attack: { name: "hostile" }, clients: ["c00"] }] },
      withPlugins({}, { hostile }),
    );
    assert.ok(Number.isInteger(forged));
  });

  it("show an omniscient attack the sent updates, and format its forged ones", async () => {
    const entries: number[][] = [];
    const omniscient: Attack = {
      attackRound: ({ own, honest }) => {
        entries.push([...own, ...honest].map(first));
        const dense = { shape: [2], data: Float64Array.of(7.5, 0) };
        return {
          updates: own.map((u) => ({ ...u, delta: new Map([...u.delta, ["dense", dense]]) })),
        };
      },
    };
    const attacks = [{ attack: { name: "omniscient" }, clients: ["c00"] }];
    const plugins = withPlugins({}, { omniscient });
    assert.deepEqual(await playFirstEntries({ mods: [half], attacks }, plugins), [
      [7.5, 1, 1.5, 2],
    ]);
    assert.deepEqual(entries, [[0.5, 1, 1.5, 2]]);
    const [[forged = NaN] = []] = await playFirstEntries({ mods: [whole], attacks }, plugins);
    assert.ok(Number.isInteger(forged), `${forged}`);
  });

  it("have forged updates admitted after they are formatted", async () => {
    const huge: Attack = {
      attackRound: ({ own }) => {
        const dense = { shape: [2], data: Float64Array.of(1e40, 0) }; // overflows float32
        return {
          updates: own.map((u) => ({ ...u, delta: new Map([...u.delta, ["dense", dense]]) })),
        };
      },
    };
    const single: Mod = {
      isFormat: true,
      client: (result) => {
        const dense = { shape: [2], data: Float32Array.of(first(result), 0) };
        return { ...result, delta: new Map([...result.delta, ["dense", dense]]) };
      },
    };
    const plugins = withPlugins({ single }, { huge });
    const attacks = [{ attack: { name: "huge" }, clients: ["c00"] }];
    assert.deepEqual(await playFirstEntries({ attacks }, plugins), [[1e40, 2, 3, 4]]);
    const trial = { ...toyTrial({ rounds: 1 }), attacks, mods: [{ name: "single" }] } as Trial;
    const [round] = (await play(trial, plugins)).rounds;
    assert.equal(round?.record.clients[0]?.failure?.code, "NON_FINITE");
    assert.ok(round.record.clients.slice(1).every(({ failure }) => failure === null));
  });

  it("draw from their own streams, so that every pool gives the same records", async () => {
    const trial = toyTrial({ mods: [half, whole] });
    const backwards = async (): Promise<ClientPool> => {
      const pool = await oneHost(trial, toyPlugins);
      return {
        ready: (signal) => pool.ready(signal),
        close: () => pool.close(),
        ask: (jobs, admit, signal) => pool.ask(jobs.toReversed(), admit, signal),
      };
    };
    const records = async (pool?: ClientPool) =>
      (await play(trial, toyPlugins, pool && { pool })).rounds.map(({ record }) => record);
    assert.deepEqual(await records(await backwards()), await records());
  });

  it("add metrics to the records, and resume from a stored state", async () => {
    const trial = toyTrial({ rounds: 4, cohort: { count: 3 }, mods: [half] });
    const whole = await play(trial, toyPlugins);
    const asked = whole.rounds.map(({ record }) =>
      record.clients.map(({ mods }) => mods?.["toy-half"]?.["asked"]),
    );
    assert.equal(Math.max(...asked.flat().map((n) => n ?? NaN)), 4);
    const from = deserialize(serialize(whole.rounds[1]?.state)) as typeof whole.state;
    const rest = await play(trial, toyPlugins, { from });
    assert.deepEqual(
      rest.rounds.map(({ record }) => record),
      whole.rounds.slice(2).map(({ record }) => record),
    );
  });

  it("add nothing to a trial without mods", async () => {
    const { rounds } = await play(toyTrial(), toyPlugins);
    assert.ok(!JSON.stringify(rounds.map(({ record }) => record)).includes("mods"));
    assert.ok(!("mods" in toyTrial()));
  });

  it("end only their arm if they fail at the coordinator", async () => {
    for (const [server, expected] of [
      [
        () => {
          throw new UserError("no luck");
        },
        /^round 1: mod 'odd': no luck$/,
      ],
      [
        () => ({ updates: [] }),
        /^round 1: mod 'odd': expected updates of the same clients in their order, got ''$/,
      ],
      [
        ({ updates }) => ({ updates: updates.map((u) => ({ ...u, delta: new Map() })) }),
        /^round 1: mod 'odd': the update of client c00: modules \[dense, pair\] are missing$/,
      ],
    ] as readonly [NonNullable<Mod["server"]>, RegExp][]) {
      await assert.rejects(
        play({ ...toyTrial(), mods: [{ name: "odd" }] }, withPlugins({ odd: { server } })),
        (error) => {
          assert.ok(error instanceof UserError && error.exitCode === exitCodes.stopped);
          assert.match(error.message, expected);
          return true;
        },
      );
    }
  });

  it("that return a malformed result at the client are named in the client's failure", async () => {
    const odd: Mod = { client: () => ({}) as never };
    await assert.rejects(
      play({ ...toyTrial(), mods: [{ name: "odd" }] }, withPlugins({ odd })),
      /c00: CLIENT_ERROR \(the client half of mod 'odd' returned a delta that is undefined; expected/,
    );
  });
});

describe("mods of a trial file", () => {
  const good =
    "name: t\nrounds: 1\nclients: 2\ntask: { name: toy }\naggregator: { name: toy-mean }\n";
  for (const [what, mods, expected, plugins = toyPlugins] of [
    ["an unknown name", "[{ name: toy-hald }]", /mods\.0\.name: .*toy-half/],
    [
      "a mod twice",
      "[{ name: toy-half }, { name: toy-half }]",
      /mods\.1: mod toy-half is there twice; name it once/,
    ],
    [
      "a format that is not last",
      "[{ name: toy-whole }, { name: toy-half }]",
      /mods\.0: toy-whole says how an update is written, and toy-half would change it again; name toy-whole last/,
    ],
    [
      "any mod if none is registered",
      "[{ name: toy-half }]",
      /mods\.0: no mod is registered/,
      { ...toyPlugins, mods: new Map() },
    ],
  ] as readonly [string, string, RegExp, Plugins?][]) {
    it(`reject ${what}`, () => {
      assert.throws(
        () => parseTrial(`${good}mods: ${mods}\n`, "t.yaml", plugins),
        (error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, expected);
          return true;
        },
      );
    });
  }

  it("keep their order and options", () => {
    const text = `${good}mods: [{ name: toy-half }, { name: toy-whole }]\n`;
    assert.deepEqual(parseTrial(text, "t.yaml", toyPlugins).mods, [half, whole]);
  });
});

describe("what clients send before round 1", () => {
  it("is named where mods would be expected to act on it", () => {
    const [[name, toy] = assert.fail("no task")] = toyPlugins.tasks;
    const tasks = new Map([[name, { ...toy, survey: "their sums" }]]);
    const plugins = { ...toyPlugins, tasks };
    const noticesOf = (mods: readonly object[]) =>
      prepareResolvedTrial(toyTrial({ mods }), plugins, "t.yaml").notices;
    assert.deepEqual(noticesOf([half]), [
      "mods: toy-half does not act on what every client sends before round 1: their sums",
    ]);
    assert.deepEqual(noticesOf([]), []);
  });
});
