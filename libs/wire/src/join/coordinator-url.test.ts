import assert from "node:assert/strict";
import { checkCoordinatorUrl } from "./coordinator-url.js";

describe("checkCoordinatorUrl", () => {
  for (const text of ["http://10.0.0.1:4000", "http://[::1]:4000/", "https://node-3.lab"]) {
    it(`accepts ${text}`, () => {
      checkCoordinatorUrl(text);
    });
  }

  const bad = ["", "notaurl", "10.0.0.1:4000", "localhost:4000", "ws://a:1", "http://a:99999"];
  for (const text of [...bad, "http://a:1/foo", "http://a:1/?b", "http://a:1/#c", "http://b@a:1"]) {
    it(`rejects '${text}'`, () => {
      assert.throws(() => {
        checkCoordinatorUrl(text);
      }, /expected https:\/\/host:port and nothing behind, got '/);
    });
  }
});
