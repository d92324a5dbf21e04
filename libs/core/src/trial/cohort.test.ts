import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { clientIds } from "../contracts/clients.js";
import { samplePass } from "./cohort.js";

describe("samplePass", () => {
  const ids = clientIds(10);
  const cohort = (round: number, size = 4) => samplePass(ids, size, round, stream(1));

  it("asks every client once before any is asked again", () => {
    for (const first of [1, 4]) {
      const pass = [0, 1, 2].map((i) => cohort(first + i));
      assert.deepEqual(
        pass.map(({ length }) => length),
        [4, 4, 2],
      );
      assert.deepEqual(pass.flat().sort(), ids);
    }
    assert.notDeepEqual(cohort(1), cohort(4));
  });

  it("lists a cohort in the order of the clients, and the same one in every process", () => {
    assert.deepEqual(cohort(2), cohort(2).toSorted());
    assert.deepEqual(cohort(2), cohort(2));
  });

  it("asks all of fewer clients", () => {
    assert.deepEqual(cohort(3, 20), ids);
  });
});
