import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dense, Products, type Delta } from "@fedclair/core";
import { keepInMemory, resolveParams, type TrialState } from "@fedclair/core/internal";
import { buildParamsFile, holdsParams, paramsFile, paramsFilePieces } from "./params-file.js";

const matrix = (shape: [number, number], ...data: number[]): Dense => ({
  shape,
  data: Float64Array.from(data),
});
const pair = (scale: number): Delta =>
  new Map([["m", { b: matrix([2, 1], scale, 1), a: matrix([1, 2], 3, scale) }]]);
const base = new Map([["m", matrix([2, 2], 1, 2, 3, 4)]]);

const stateOf = (personal: TrialState["personal"]): TrialState => ({
  round: 2,
  params: new Map([["m", matrix([2, 2], 9, 9, 9, 9)]]),
  personal,
  ask: "end",
  task: undefined,
  aggregator: undefined,
  attacks: new Map(),
  mods: new Map(),
});

describe("buildParamsFile", () => {
  const own = { base, rounds: [[pair(1), pair(2)], [pair(5)]] };
  const dense = { base, rounds: [[new Map([["m", matrix([2, 2], 1, 0, 0, 0)]])]] };
  const other = { base: new Map(base), rounds: [[pair(1)]] };
  const state = stateOf(
    new Map([
      ["c0", own],
      ["c1", dense],
      ["c2", other],
      ["c3", { base, rounds: [[pair(4)]] }],
    ]),
  );

  it("multiplies all params out", async () => {
    const file = await buildParamsFile(state, false, keepInMemory);
    assert.deepEqual([...file.keys()], ["global/m", "c0/m", "c1/m", "c2/m", "c3/m"]);
    assert.deepEqual(file.get("c0/m"), (await resolveParams(own)).get("m"));
  });

  it("stores pairs if possible, whose product with the base is the same", async () => {
    const file = await buildParamsFile(state, true, keepInMemory);
    const names = [
      "global/m",
      "base-1/m",
      "c0/base-1/m.lora_B",
      "c0/base-1/m.lora_A",
      "c1/m",
      "base-2/m",
      "c2/base-2/m.lora_B",
      "c2/base-2/m.lora_A",
      "c3/base-1/m.lora_B",
      "c3/base-1/m.lora_A",
    ];
    assert.deepEqual([...file.keys()], names);
    const [b, a] = [file.get("c0/base-1/m.lora_B"), file.get("c0/base-1/m.lora_A")];
    assert.ok(b && a);
    assert.deepEqual(
      [b.shape, a.shape],
      [
        [2, 3],
        [3, 2],
      ],
    );
    const product = await new Products().of({ b, a });
    const sum = [...(base.get("m")?.data ?? [])].map((x, i) => x + (product[i] ?? NaN));
    assert.deepEqual(sum, [...((await resolveParams(own)).get("m")?.data ?? [])]);
  });
});

describe("holdsParams", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "params-"))));
  afterEach(() => rm(folder, { recursive: true }));
  const state = stateOf(new Map());

  it("tells the params of a state from the same with more behind them", async () => {
    const file = join(folder, paramsFile);
    await writeFile(file, [...(await paramsFilePieces(state, false, keepInMemory))]);
    assert.equal(await holdsParams(folder, state), true);
    await appendFile(file, "x");
    assert.equal(await holdsParams(folder, state), false);
  });

  it("does not read a device, which would never end", async function () {
    if (process.platform === "win32") this.skip();
    await symlink("/dev/zero", join(folder, paramsFile));
    await assert.rejects(holdsParams(folder, state), /expected a regular file, got a device/);
  });
});
