import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseBank, readShippedBank } from "@fedclair/clair";
import { parseRequired, readBank } from "./bank-options.js";
import { writeBank } from "./calibrate.js";

const pile = fileURLToPath(
  new URL("../../../../../libs/audit/fixtures/adapters/presidents", import.meta.url),
);

describe("a bank of one's own", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "bank-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  it("is made from a trusted pile, and read again", async () => {
    const out = join(root, "bank.json");
    await writeBank([pile], { out, set: [] });
    const bank = readBank(out);
    assert.match(bank.name, /^1 pile of adapters \(.*presidents\)$/);
    assert.deepEqual(
      bank.thresholds.map(({ clients }) => clients),
      [6, 8, 10, 12, 14, 17],
    );
    assert.deepEqual(parseBank(JSON.parse(await readFile(out, "utf8")), out), bank);
    await assert.rejects(writeBank([pile], { out, set: [] }), /bank\.json/);
  }).timeout(60_000);

  it("is rejected with a remedy if it is none", async () => {
    const file = join(root, "none.json");
    assert.throws(() => readBank(file), /--bank: cannot read '.*none\.json' \(ENOENT\)/);
    await writeFile(file, "{");
    assert.throws(() => readBank(file), /is not JSON; make a bank with (npx )?fedclair calibrate/);
    await writeFile(file, "{}");
    assert.throws(
      () => readBank(file),
      /not a bank: name: .*; make one with (npx )?fedclair calibrate/,
    );
    assert.equal(readBank(undefined), readShippedBank());
  });
});

describe("--require", () => {
  it("takes kinds of attackers, with commas between them", () => {
    assert.deepEqual(parseRequired("boosted, flipped"), ["boosted", "flipped"]);
    assert.deepEqual(parseRequired(undefined), []);
    assert.throws(() => parseRequired("boost"), /'boost' is no kind .* boosted, doubled, flipped/);
  });
});
