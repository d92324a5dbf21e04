import assert from "node:assert/strict";
import { clientIdAt, clientIds, clientIndexOf } from "./clients.js";

describe("the ids of a trial's clients", () => {
  it("are padded so that they sort as text", () => {
    assert.equal(clientIdAt(7, 10), "c07");
    assert.equal(clientIdAt(7, 101), "c007");
    assert.deepEqual(clientIds(3), ["c00", "c01", "c02"]);
    assert.deepEqual([...clientIds(1001)].sort(), clientIds(1001));
  });

  it("have an index that is found without the list, and others have none", () => {
    for (const count of [1, 100, 101, 1001])
      for (const [i, id] of clientIds(count).entries()) assert.equal(clientIndexOf(id, count), i);
    for (const id of ["c7", "c007", "c11", "c-1", "c1.", "c0x", "x01", "c", "", "c 1", "c1e"])
      assert.equal(clientIndexOf(id, 11), -1, id);
  });
});
