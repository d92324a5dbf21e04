import assert from "node:assert/strict";
import { parseAddress } from "./address.js";

describe("parseAddress", () => {
  it("parses names, IPv4 and bracketed IPv6", () => {
    assert.deepEqual(parseAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
    assert.deepEqual(parseAddress("node-3.lab:4000"), { host: "node-3.lab", port: 4000 });
    assert.deepEqual(parseAddress("[::1]:65535"), { host: "::1", port: 65535 });
  });

  for (const text of ["", "4000", "host", "host:", "host:x", "host:65536", "::1:4000", ":4000"]) {
    it(`rejects '${text}'`, () => {
      assert.throws(() => parseAddress(text), /expected host:port, as 127.0.0.1:4000, got/);
    });
  }
});
