import assert from "node:assert/strict";
import { gaussian, stream } from "@fedclair/linalg";
import { idOf, updateOf } from "@fedclair/rules/testing";
import { clair, clairSchema, controlKinds, type Power } from "./index.js";

const options = clairSchema.parse({});
/** Spares the tests the planted attackers, which do not change who is flagged. */
const power = Object.fromEntries(controlKinds.map((kind) => [kind, 1])) as unknown as Power;

/** Statuses of thirty clients with a common change and normal differences half as large. */
async function judge(rows: number, federation: number, contaminate = 0): Promise<string[]> {
  const rng = stream("few numbers").at(rows, federation);
  const common = gaussian(rng.at("common"), rows, 1);
  const updates = Array.from({ length: 30 }, (_, k) => {
    const change = gaussian(rng.at("own", k), rows, 1).scale(0.5);
    for (let i = 0; i < rows; i++) change.data[i] = (change.data[i] ?? 0) + (common.data[i] ?? 0);
    return updateOf(idOf(k), { weights: k < contaminate ? change.scale(20) : change });
  });
  const { status, modules } = await clair(updates, options, { power });
  modules.close();
  return [...status.values()];
}

describe("clients whose changes have few numbers", () => {
  for (const rows of [2, 3, 4, 6]) {
    it(`are rarely flagged if they are honest: ${rows} weights of a regression`, async () => {
      let alarms = 0;
      for (let federation = 0; federation < 20; federation++)
        alarms += Number((await judge(rows, federation)).includes("contaminated"));
      assert.ok(alarms <= 2, `a false alarm in ${alarms} of 20 federations`);
    });
  }

  it("are flagged if they are much larger than the others", async () => {
    const statuses = await judge(4, 0, 3);
    assert.deepEqual(
      statuses.map((status) => status === "contaminated"),
      statuses.map((_, k) => k < 3),
    );
  });
});
