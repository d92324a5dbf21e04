import { stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import fc from "fast-check";
import { gaussian } from "./densities.js";
import { evaluateDensity } from "./evaluate-density.js";
import { normalise } from "./evaluate-histogram.js";
import { schedule, simulateScheduler, type Candidate } from "./scheduler.js";
import { histogramDistribution } from "./score-distribution.js";
import type { SeatRule } from "./selection.js";

const candidates: readonly Candidate[] = [
  { observed: 5, group: 1 },
  { observed: 4, group: 1 },
  { observed: 3, group: 2 },
  { observed: 2, group: 1 },
  { observed: 1, group: 2 },
  { observed: 0, group: 2 },
];

describe("a scheduler", () => {
  it("gives seats by score and reserves some for a group, as computed by hand", () => {
    const chosen = (seats: number, rule: SeatRule) => [...schedule(candidates, seats, rule)].sort();
    assert.deepEqual(chosen(2, { name: "none" }), [0, 1]);
    assert.deepEqual(chosen(4, { name: "none" }), [0, 1, 2, 3]);
    assert.deepEqual(chosen(4, { name: "proportional" }), [0, 1, 2, 4]);
    // One seat each, and the third by score.
    assert.deepEqual(chosen(3, { name: "equal" }), [0, 1, 2]);
    assert.deepEqual(chosen(3, { name: "atleast", share: 0.5 }), [0, 2, 4]);
    // More seats are reserved than group 2 has members, so the others go to group 1.
    assert.deepEqual(chosen(4, { name: "atleast", share: 1 }), [0, 2, 4, 5]);
  });

  it("fills all seats, never twice with the same client", () => {
    const candidate = fc.record({
      observed: fc.double({ noNaN: true }),
      group: fc.constantFrom(1 as const, 2 as const),
    });
    const rules: readonly SeatRule[] = [
      { name: "none" },
      { name: "proportional" },
      { name: "equal" },
      { name: "atleast", share: 0.3 },
    ];
    fc.assert(
      fc.property(
        fc.array(candidate, { minLength: 1, maxLength: 30 }),
        fc.nat(30),
        fc.constantFrom(...rules),
        (clients, wanted, rule) => {
          const seats = Math.min(wanted, clients.length);
          const chosen = schedule(clients, seats, rule);
          assert.equal(new Set(chosen).size, seats);
          assert.equal(chosen.length, seats);
          const second = (all: readonly (Candidate | undefined)[]) =>
            all.filter((c) => c?.group === 2).length;
          if (rule.name === "atleast") {
            const held = Math.min(Math.ceil(seats * 0.3), second(clients));
            assert.ok(second(chosen.map((i) => clients[i])) >= held);
          }
        },
      ),
    );
  });

  it("rejects seats and reservations out of range", () => {
    assert.throws(() => schedule(candidates, 7, { name: "none" }), /seats: .* 0 to 6 .*, got 7/);
    assert.throws(() => schedule(candidates, 2, { name: "atleast", share: 2 }), /atleast/);
  });

  it("matches the participation and utility of the large-population formula", () => {
    const marks = gaussian(3, 1);
    const edges = Array.from({ length: 2001 }, (_, i) => -5 + i * 0.006);
    const lawOf = (pdf: (x: number) => number) =>
      histogramDistribution(normalise(edges.slice(1).map((x) => pdf(x - 0.003))), edges);
    const entropy = 0.5 * Math.log(2 * Math.PI * Math.E);
    const truth = lawOf((x) => marks.pdf(x));
    const observed = lawOf(evaluateDensity(marks, "squared", 3, entropy).pdf);
    const setting = { group1: 1000, group2: 1000, seats: 200, rounds: 400 };
    const run = (rule: SeatRule) =>
      simulateScheduler(truth, observed, { ...setting, rule }, stream("monte carlo"));
    const plain = run({ name: "none" });
    assert.ok(Math.abs(plain.share2 - 0.21468) < 0.006, `${plain.share2}`);
    assert.ok(Math.abs(plain.ratio - 0.2734) < 0.01, `${plain.ratio}`);
    assert.ok(
      Math.abs(plain.utility / plain.opt - 0.97965) < 0.001,
      `${plain.utility / plain.opt}`,
    );
    const parity = run({ name: "proportional" });
    assert.equal(parity.share2, 0.5);
    assert.equal(parity.ratio, 1);
    const gain = parity.utility / plain.utility;
    assert.ok(Math.abs(gain - 1.0208) < 0.001, `${gain}`);
  });
});
