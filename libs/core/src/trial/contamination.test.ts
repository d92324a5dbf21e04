import assert from "node:assert/strict";
import fc from "fast-check";
import { clientIds } from "../contracts/clients.js";
import { prepare, toyPlugins, toyTrial } from "../../testing/index.js";

const listAttacked = (changes: object, seed = 1) =>
  [...prepare(toyTrial({ ...changes, seed }), toyPlugins).contamination].map(([id, { name }]) => [
    id,
    name,
  ]);

describe("contaminate", () => {
  it("contaminates the listed clients, and draws the others from the rest", () => {
    const attacks = [
      { attack: { name: "toy-shift" }, count: 3 },
      { attack: { name: "toy-forger" }, clients: ["c01"] },
    ];
    for (let seed = 0; seed < 50; seed++) {
      const got = listAttacked({ attacks }, seed);
      assert.equal(got.length, 4);
      assert.deepEqual(
        got.find(([id]) => id === "c01"),
        ["c01", "toy-forger"],
      );
    }
  });

  it("contaminates the number of clients that the file asks for, in the order of clients", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (clients, fraction) => {
          fc.pre(Math.round(fraction * clients) > 0);
          const got = listAttacked({
            clients,
            attacks: [{ attack: { name: "toy-shift" }, fraction }],
          });
          assert.equal(got.length, Math.round(fraction * clients));
          assert.deepEqual(got, [...got].sort());
          assert.ok(got.every(([id]) => clientIds(clients).includes(id ?? "")));
        },
      ),
    );
  });

  it("chooses other clients for another seed", () => {
    const changes = { clients: 40, attacks: [{ attack: { name: "toy-shift" }, count: 10 }] };
    assert.notDeepEqual(listAttacked(changes, 1), listAttacked(changes, 2));
    assert.deepEqual(listAttacked(changes, 1), listAttacked(changes, 1));
  });
});
