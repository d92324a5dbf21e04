import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyData, identifyPythonCode, rememberCode, selectUnknownCode } from "./known-code.js";

describe("the list of known code", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fedclair-known-"));
    file = join(folder, "fedclair", "known-code");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const code = { path: "/a.js", hash: "0123456789abcdef" };

  it("knows code at the same place with the same content only", async () => {
    const moved = { ...code, path: "/b.js" };
    const changed = { ...code, hash: "fedcba9876543210" };
    assert.deepEqual(selectUnknownCode([code], file), [code]);
    await rememberCode([code], file);
    assert.deepEqual(selectUnknownCode([code, moved, changed], file), [moved, changed]);
    await rememberCode([moved, code], file);
    assert.deepEqual(selectUnknownCode([code, moved, changed], file), [changed]);
    assert.equal(readFileSync(file, "utf8").split("\n").length, 3);
  });

  it("cannot be extended by the name of a file", async () => {
    await rememberCode([{ ...code, path: `/x\n${code.hash} "/a.js"` }], file);
    assert.deepEqual(selectUnknownCode([code], file), [code]);
  });

  it("identifies Python by its folder, its modules and their code", () => {
    writeFileSync(join(folder, "model.py"), "a = 1\n");
    // A trial may claim any hash.
    const clients = { folder, args: [], modules: ["model"], code: "0123456789abcdef" };
    const { path, hash } = identifyPythonCode(clients);
    assert.match(path, /: model$/);
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.notEqual(hash, clients.code);
    writeFileSync(join(folder, "model.py"), "a = 2\n");
    assert.notEqual(identifyPythonCode(clients).hash, hash);
    assert.equal(identifyPythonCode({ ...clients, modules: ["other"] }).hash, "");
  });

  it("includes data to which links in the folder of a trial lead", () => {
    const own = join(folder, "stranger");
    mkdirSync(join(own, "data", "inner"), { recursive: true });
    const [secret, shared] = [join(folder, "secret.csv"), join(own, "shared.csv")];
    for (const path of [secret, shared]) writeFileSync(path, "a\n");
    symlinkSync(shared, join(own, "data", "a.csv"));
    const paths = [join(own, "data"), shared];
    assert.deepEqual(identifyData(paths, join(own, "trial.yaml")), []);
    symlinkSync(secret, join(own, "data", "inner", "b.csv"));
    const found = identifyData(paths, join(own, "trial.yaml"));
    assert.deepEqual(found, [{ path: realpathSync(secret), hash: "data" }]);
  });

  it("forgets the older half when it is too long", async () => {
    await rememberCode([{ ...code, path: "/first.js" }], file);
    const line = `${code.hash} ${JSON.stringify(`/${"x".repeat(2 ** 20 - 100)}`)}\n`;
    writeFileSync(file, readFileSync(file, "utf8") + line);
    await rememberCode([code, { ...code, path: "/next.js" }], file);
    assert.deepEqual(selectUnknownCode([code], file), []);
    assert.equal(selectUnknownCode([{ ...code, path: "/first.js" }], file).length, 1);
    assert.ok(statSync(file).size < 2 ** 20 + 200);
  });

  it("remembers nothing where it cannot be written", async () => {
    writeFileSync(join(folder, "fedclair"), "");
    await rememberCode([code], file);
    assert.deepEqual(selectUnknownCode([code], file), [code]);
  });
});
