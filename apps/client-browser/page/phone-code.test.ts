import assert from "node:assert/strict";
import { phoneCode } from "./phone-code.js";

describe("the QR code of the page for tabs", () => {
  it("has the address without its token, and is left out where no phone can open it", () => {
    const code = phoneCode("https://fl.example.org:4000/#token=secret");
    assert.equal(code?.address, "https://fl.example.org:4000/");
    assert.deepEqual(code, phoneCode("https://fl.example.org:4000/"));
    // 28 bytes take version 2, with 25 modules and a border of 2; a corner begins with 7 dark ones.
    assert.equal(code.size, 29);
    assert.ok(code.path.startsWith("M2 2h1v1h-1zM3 2h1v1h-1z"), code.path);
    for (const href of ["http://127.0.0.1:4000/", "http://localhost:4000/", "http://[::1]:4000/"])
      assert.equal(phoneCode(href), undefined);
  });
});
