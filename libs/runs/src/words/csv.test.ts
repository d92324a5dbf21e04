import assert from "node:assert/strict";
import { csvLine } from "./csv.js";

describe("csvLine", () => {
  it("quotes commas and quotes, and leaves missing values empty", () => {
    assert.equal(csvLine(["a", undefined, 'b,"c"', 1.5, -2]), 'a,,"b,""c""",1.5,-2');
  });

  it("lets no text be a formula", () => {
    for (const text of [
      "=1+1",
      "+A1",
      "-A1",
      "@SUM(A1)",
      " =1+1",
      "\u3000=1",
      "\u00a0@x",
      "＝1+1",
      "＋1",
      "－x",
      "＠x",
    ]) {
      assert.equal(csvLine([text]), `'${text}`);
    }
    assert.equal(csvLine(["=A,1"]), `"'=A,1"`);
    // Tabs and line ends, which some programs skip, are escaped.
    assert.equal(csvLine(["\t=1"]), String.raw`\u{9}=1`);
    assert.equal(csvLine(["\r\n=1"]), String.raw`\u{d}\n=1`);
  });

  it("leaves texts that are numbers as they are", () => {
    for (const text of ["-0.5", "+3", "-1e-7", "12"]) assert.equal(csvLine([text]), text);
  });
});
