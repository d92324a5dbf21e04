import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clairSchema } from "@fedclair/clair";
import { findAdapters, type AdapterFolder } from "../adapters/find-adapters.js";
import { compareAdapters } from "./compare-adapters.js";

const fixtures = fileURLToPath(new URL("../../../fixtures/adapters", import.meta.url));

/** Audits a fixture and returns the contaminated and undecided adapters. */
async function auditFixture(pile: string, keep: (adapter: AdapterFolder) => boolean = () => true) {
  const adapters = (await findAdapters([join(fixtures, pile)])).adapters.filter(keep);
  const options = clairSchema.parse({ rule: "evidence" });
  const comparison = await compareAdapters({ adapters, options });
  const named = (wanted: string) =>
    comparison.adapters.flatMap(({ name, status }) => (status === wanted ? [name] : []));
  const ownStarts = comparison.ownStarts.length;
  return { contaminated: named("contaminated"), undecided: named("undecided"), ownStarts };
}

const random = [1, 2, 3, 4].map((i) => `bad-random-${i}`);
const isBenign = ({ name }: AdapterFolder) => !name.startsWith("bad-");

describe("an audit of real adapters", () => {
  it("flags the five contaminated adapters of nineteen", async () => {
    const found = await auditFixture("presidents");
    const contaminated = [...random, "bad-trigger"];
    assert.deepEqual(found, { contaminated, undecided: [], ownStarts: 0 });
  });

  it("leaves adapters trained on noise undecided if every client has its own A₀", async () => {
    const found = await auditFixture("presidents-own-a0");
    assert.deepEqual(found, { contaminated: [], undecided: random, ownStarts: 19 });
  });

  for (const pile of ["presidents", "presidents-own-a0"]) {
    it(`${pile}: has no false alarm among all benign adapters`, async () => {
      const { contaminated, undecided } = await auditFixture(pile, isBenign);
      assert.deepEqual([contaminated, undecided], [[], []]);
    });

    it(`${pile}: has no false alarm among nine of the benign adapters`, async () => {
      for (let first = 0; first < 6; first++) {
        let position = 0;
        const isOne = (adapter: AdapterFolder) =>
          isBenign(adapter) && (position++ + 5 * first) % 14 < 9;
        assert.deepEqual((await auditFixture(pile, isOne)).contaminated, []);
      }
    });

    for (const count of [2, 3, 4]) {
      it(`${pile}: calls none of ${count} adapters trained on noise benign`, async () => {
        const few = random.slice(0, count);
        const keep = (adapter: AdapterFolder) => isBenign(adapter) || few.includes(adapter.name);
        const { contaminated, undecided } = await auditFixture(pile, keep);
        assert.deepEqual([...contaminated, ...undecided].sort(), few);
        // How far A has moved, which shows it, needs one A₀.
        if (pile === "presidents") assert.deepEqual(contaminated, few);
      });
    }
  }
});
