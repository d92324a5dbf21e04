import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measurePower } from "./measure-power.js";
import { formatPower } from "./power-text.js";

const trial = `name: small
rounds: 2
clients: 12
task: { name: linear-regression }
aggregator: { name: clair, rank: 3 }
attacks: [{ attack: { name: sign-flip }, fraction: 0.25 }]
`;

describe("measurePower", () => {
  let folder = "";
  const write = async (text: string) => {
    const file = join(folder, "trial.yaml");
    await writeFile(file, text);
    return file;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-power-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("tells which planted attackers are found, in every round of every seed", async () => {
    const file = await write(trial);
    const measured = await measurePower(file, { seeds: "2" });
    const { seeds, rounds, clients, kinds, falseAlarms } = measured;
    assert.deepEqual({ seeds, rounds, clients }, { seeds: [1, 2], rounds: 4, clients: 12 });
    assert.equal(kinds.boosted.flagged.share, 1);
    // Wilson's interval of 4 of 4, with z = 1.96: 4 / (4 + z²).
    assert.ok(Math.abs(kinds.boosted.flagged.low - 4 / (4 + 1.959964 ** 2)) < 1e-6);
    // A flipped sign stays inside the space that the clients share.
    assert.ok(kinds.flipped.flagged.share < 0.2, `${kinds.flipped.flagged.share}`);
    assert.ok(falseAlarms.share <= 0.5, `${falseAlarms.share}`);
    assert.match(formatPower(measured), /^an update scaled by 5 +100 % \(51–100\)/m);
  });

  it("draws data for each seed, unless the trial fixes them", async () => {
    const file = await write(trial);
    const of = async (...set: string[]) => {
      const fixed = ["rounds=1", "task.name=denoising", "task.noise=0.2", ...set];
      return (await measurePower(file, { seeds: "[2]", set: fixed })).kinds;
    };
    const drawn = await of();
    assert.deepEqual(drawn, await of("task.dataSeed=2"));
    assert.notDeepEqual(drawn, await of("task.dataSeed=1"));
  });

  it("rejects trials in which nothing can be planted", async () => {
    const file = await write(trial);
    await assert.rejects(
      measurePower(file, { set: ["aggregator={ name: fedavg }"] }),
      /aggregator: expected clair, got fedavg/,
    );
    await assert.rejects(
      measurePower(file, { set: ["aggregator.rule=gap"] }),
      /rule: expected evidence, got gap/,
    );
    await assert.rejects(
      measurePower(file, { set: ["clients=4"] }),
      /no round has enough clients to plant attackers among/,
    );
    await assert.rejects(
      measurePower(file, { set: ["task={ name: external }"] }),
      /power starts all clients itself, and 12 of 12 are external: name their code .* python: my_module/,
    );
  });
});
