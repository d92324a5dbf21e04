import assert from "node:assert/strict";
import { byteUnits, formatBytes, formatNumber, chooseUnit } from "./numbers.js";

describe("numbers", () => {
  it("formats numbers and bytes for people", () => {
    const formatted = [3, 1600, 1.6, -0.05834, 0.00123456, 1.2e-7].map(formatNumber);
    assert.deepEqual(formatted, ["3", "1,600", "1.600", "-0.058", "0.00123", "1.20e-7"]);
    assert.deepEqual([512, 40_000, 3e8].map(formatBytes), ["512 B", "40 kB", "300 MB"]);
    assert.equal(chooseUnit(0, byteUnits).name, "B");
  });
});
