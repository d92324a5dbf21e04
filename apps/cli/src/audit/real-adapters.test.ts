import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clairSchema } from "@fedclair/aggregators";
import { compareAdapters } from "./compare-adapters.js";
import { findAdapters, type AdapterFolder } from "../adapters/find-adapters.js";

const fixtures = fileURLToPath(new URL("../../../fixtures/adapters", import.meta.url));

/** Who is contaminated, and of whom nothing can be said. */
async function audited(pile: string, keep: (adapter: AdapterFolder) => boolean = () => true) {
  const adapters = (await findAdapters([join(fixtures, pile)])).adapters.filter(keep);
  const options = clairSchema.parse({ rule: "evidence" });
  const { comparison } = await compareAdapters({ adapters, options, refine: false });
  const named = (wanted: string) =>
    comparison.adapters.flatMap(({ name, status }) => (status === wanted ? [name] : []));
  const ownStarts = comparison.ownStarts.length;
  return { contaminated: named("contaminated"), undecided: named("undecided"), ownStarts };
}

const random = [1, 2, 3, 4].map((i) => `bad-random-${i}`);
const isHonest = ({ name }: AdapterFolder) => !name.startsWith("bad-");

describe("an audit of real adapters", () => {
  it("names the five contaminated ones of nineteen, and nobody else", async () => {
    const found = await audited("presidents");
    const contaminated = [...random, "bad-trigger"];
    assert.deepEqual(found, { contaminated, undecided: [], ownStarts: 0 });
  });

  it("names those trained on noise where every client has its own A₀, and does not call the trigger benign", async () => {
    const found = await audited("presidents-own-a0");
    const undecided = ["bad-trigger"];
    assert.deepEqual(found, { contaminated: random, undecided, ownStarts: 19 });
  });

  for (const pile of ["presidents", "presidents-own-a0"]) {
    it(`${pile}: accuses none of the honest alone`, async () => {
      const { contaminated, undecided } = await audited(pile, isHonest);
      assert.deepEqual([contaminated, undecided], [[], []]);
    });

    it(`${pile}: accuses none of any nine of the honest`, async () => {
      for (let first = 0; first < 6; first++) {
        let seen = 0;
        const isOne = (adapter: AdapterFolder) =>
          isHonest(adapter) && (seen++ + 5 * first) % 14 < 9;
        assert.deepEqual((await audited(pile, isOne)).contaminated, []);
      }
    });

    for (const count of [2, 3, 4]) {
      it(`${pile}: names ${count} that learnt noise among the honest`, async () => {
        const few = random.slice(0, count);
        const keep = (adapter: AdapterFolder) => isHonest(adapter) || few.includes(adapter.name);
        assert.deepEqual((await audited(pile, keep)).contaminated, few);
      });
    }
  }
});
