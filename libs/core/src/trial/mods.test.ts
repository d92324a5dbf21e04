import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { describeMod, oneHost, play, toyPlugins, toyTrial } from "../../testing/index.js";
import type { Aggregator } from "../contracts/aggregator.js";
import type { Attack } from "../contracts/attack.js";
import type { Mod } from "../contracts/mod.js";
import type { Plugin, Plugins } from "../contracts/plugin.js";
import type { ClientPool } from "../contracts/pool.js";
import { exitCodes, UserError } from "../words/errors.js";
import type { Trial } from "./trial.js";
import { parseTrial } from "./trial-file.js";
import type { Update } from "../tensors/update.js";

for (const plugin of toyPlugins.mods?.values() ?? []) describeMod(plugin);

const schema = toyPlugins.attacks.get("toy-shift")?.schema ?? assert.fail("no toy");

/** The toys and these. */
const withPlugins = (
  mods: Readonly<Record<string, Mod>>,
  attacks: Readonly<Record<string, Attack>> = {},
): Plugins => {
  const made = <T>(all: Readonly<Record<string, T>>) =>
    Object.entries(all).map(([name, one]): [string, Plugin<T>] => [
      name,
      { name, summary: "One.", schema, create: () => one },
    ]);
  return {
    ...toyPlugins,
    mods: new Map([...(toyPlugins.mods ?? []), ...made(mods)]),
    attacks: new Map([...toyPlugins.attacks, ...made(attacks)]),
  };
};

/** The first entries of what the aggregator is given, round by round. */
async function seenBy(trial: object, plugins: Plugins = toyPlugins): Promise<number[][]> {
  const seen: number[][] = [];
  const spy: Aggregator = {
    aggregate: ({ updates }) => {
      seen.push(updates.map(first));
      return Promise.resolve({ change: [] });
    },
  };
  const aggregator = { name: "spy", summary: "Spies.", schema, create: () => spy };
  await play(
    { ...toyTrial({ rounds: 1 }), ...trial, aggregator: { name: "spy" } },
    { ...plugins, aggregators: new Map([["spy", aggregator]]) },
  );
  return seen;
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
  it("wrap at the client in the order of the file", async () => {
    // The clients propose 1, 2, 3 and 4.
    const plugins = withPlugins({ "plus-one": plusOne });
    const one = { name: "plus-one" };
    assert.deepEqual(await seenBy({ mods: [half, one] }, plugins), [[1.5, 2, 2.5, 3]]);
    assert.deepEqual(await seenBy({ mods: [one, half] }, plugins), [[1, 1.5, 2, 2.5]]);
  });

  it("pass on at the coordinator in the reverse order", async () => {
    const order: string[] = [];
    const noting = (name: string): Mod => ({
      server: ({ updates }) => {
        order.push(name);
        return { updates: updates.map((update) => ({ ...update, numExamples: 1 })) };
      },
    });
    const plugins = withPlugins({ outer: noting("outer"), inner: noting("inner") });
    await seenBy({ mods: [{ name: "inner" }, { name: "outer" }] }, plugins);
    assert.deepEqual(order, ["outer", "inner"]);
  });

  it("let an attack on updates have the last word, but for the form", async () => {
    const attacks = [{ attack: { name: "toy-scale" }, clients: ["c00"] }];
    // 10 × half of 1, and not half of 10 × 1: a contaminated client does not keep to the rule.
    assert.deepEqual(await seenBy({ mods: [half], attacks }), [[5, 1, 1.5, 2]]);
    const hostile: Attack = {
      corruptUpdate: (honest) => ({
        ...honest,
        delta: new Map([...honest.delta, ["dense", { shape: [2], data: Float64Array.of(0.5, 0) }]]),
      }),
    };
    const [[forged = NaN] = []] = await seenBy(
      { mods: [half, whole], attacks: [{ attack: { name: "hostile" }, clients: ["c00"] }] },
      withPlugins({}, { hostile }),
    );
    assert.ok(Number.isInteger(forged));
  });

  it("show an attack with sight of the round what was sent, and write what it makes of it", async () => {
    const seen: number[][] = [];
    const omniscient: Attack = {
      attackRound: ({ own, honest }) => {
        seen.push([...own, ...honest].map(first));
        const dense = { shape: [2], data: Float64Array.of(7.5, 0) };
        return {
          updates: own.map((u) => ({ ...u, delta: new Map([...u.delta, ["dense", dense]]) })),
        };
      },
    };
    const attacks = [{ attack: { name: "omniscient" }, clients: ["c00"] }];
    const plugins = withPlugins({}, { omniscient });
    assert.deepEqual(await seenBy({ mods: [half], attacks }, plugins), [[7.5, 1, 1.5, 2]]);
    assert.deepEqual(seen, [[0.5, 1, 1.5, 2]]);
    const [[forged = NaN] = []] = await seenBy({ mods: [whole], attacks }, plugins);
    assert.ok(Number.isInteger(forged), `${forged}`);
  });

  it("have what an attack makes admitted as it is written", async () => {
    const huge: Attack = {
      attackRound: ({ own }) => {
        const dense = { shape: [2], data: Float64Array.of(1e40, 0) }; // no float32
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
    assert.deepEqual(await seenBy({ attacks }, plugins), [[1e40, 2, 3, 4]]);
    const trial = { ...toyTrial({ rounds: 1 }), attacks, mods: [{ name: "single" }] } as Trial;
    const [round] = (await play(trial, plugins)).rounds;
    assert.equal(round?.record.clients[0]?.failure?.code, "NON_FINITE");
    assert.ok(round.record.clients.slice(1).every(({ failure }) => failure === null));
  });

  it("draw from streams of their own: the same records from any pool", async () => {
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

  it("tell of clients in the record, and go on from a stored state", async () => {
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

  it("leave no trace where there are none", async () => {
    const { rounds } = await play(toyTrial(), toyPlugins);
    assert.ok(!JSON.stringify(rounds.map(({ record }) => record)).includes("mods"));
    assert.ok(!("mods" in toyTrial()));
  });

  it("end their arm, and no more, when they fail at the coordinator", async () => {
    for (const [server, said] of [
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
          assert.match(error.message, said);
          return true;
        },
      );
    }
  });

  it("that return no result at the client are the client's failure, by name", async () => {
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
  for (const [what, mods, said, plugins = toyPlugins] of [
    ["an unknown name", "[{ name: toy-hald }]", /mods\.0\.name: .*toy-half/],
    [
      "one twice",
      "[{ name: toy-half }, { name: toy-half }]",
      /mods\.1: mod toy-half is there twice; name it once/,
    ],
    [
      "a format that is not last",
      "[{ name: toy-whole }, { name: toy-half }]",
      /mods\.0: toy-whole says how an update is written, and toy-half would change it again; name toy-whole last/,
    ],
    [
      "a client half for clients that are not simulated",
      "[{ name: toy-half }]",
      /mods\.0: toy-half acts at the client, and the clients of task toy are not simulated; let the clients' own host do it/,
      external(),
    ],
    [
      "any where none is registered",
      "[{ name: toy-half }]",
      /mods\.0: no mod is registered/,
      { ...toyPlugins, mods: new Map() },
    ],
  ] as readonly [string, string, RegExp, Plugins?][]) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseTrial(`${good}mods: ${mods}\n`, "t.yaml", plugins),
        (error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, said);
          return true;
        },
      );
    });
  }

  it("are kept in their order with their options", () => {
    const text = `${good}mods: [{ name: toy-half }, { name: toy-whole }]\n`;
    assert.deepEqual(parseTrial(text, "t.yaml", toyPlugins).mods, [half, whole]);
  });
});

function external(): Plugins {
  const task = toyPlugins.tasks.get("toy") ?? assert.fail("no toy");
  return { ...toyPlugins, tasks: new Map([["toy", { ...task, isExternal: true }]]) };
}
