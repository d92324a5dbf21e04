import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { columns } from "./columns.js";
import { wrapMessage } from "./terminal.js";

const rows = [
  ["", "error.ratioTo.local", "detection.undecidedMean"],
  ["sign-flip", "0.714", "1.2"],
];

function format(width: number): string {
  return stripVTControlCharacters(columns(rows, ["left", "right", "right"], width));
}

describe("columns", () => {
  it("breaks heads, and then the table, where the width is not enough", () => {
    assert.match(format(60), /^ +error.ratioTo.local  detection.undecidedMean\nsign-flip/);
    const broken = `
             error.
           ratioTo.     detection.
              local  undecidedMean
sign-flip     0.714            1.2`;
    assert.equal(format(40), broken.slice(1));
    const apart = `
             error.
           ratioTo.
              local
sign-flip     0.714

              detection.
           undecidedMean
sign-flip            1.2`;
    assert.equal(format(25), apart.slice(1));
  });
});

describe("wrapMessage", () => {
  it("breaks lines of a terminal at spaces", () => {
    const wrap = (isTTY: boolean) =>
      wrapMessage("flagged c00 c03 c14\nend", { isTTY, columns: 17 } as NodeJS.WriteStream);
    assert.equal(wrap(true), "flagged c00 c03\nc14\nend");
    assert.equal(wrap(false), "flagged c00 c03 c14\nend");
  });
});
