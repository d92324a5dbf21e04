import assert from "node:assert/strict";
import { readRecords } from "./support/federation.js";
import { installPython, requirePython } from "./support/python.js";
import { checkTwins, ids, listAttacks, runTwins, twinFolder } from "./support/twins.js";

const clair =
  "aggregator: { name: clair, rank: 3 }\nbaselines: [{ label: fedavg, aggregator: { name: fedavg } }]\n";

/** What contaminates the federation, and how it is aggregated. */
const federations = {
  "attacks with sight of the round":
    clair +
    listAttacks(
      2,
      "{ name: backdoor }",
      "{ name: alie }",
      "{ name: ipm }",
      "{ name: min-max }",
      "{ name: stale, delay: 1 }",
      "{ name: masked }",
      "{ name: colluding-subspace }",
    ),
  "mods and attacks":
    clair +
    "mods: [{ name: differential-privacy, clip: 1, noiseMultiplier: 0.1 }, { name: worker-momentum }, { name: encoding, dtype: int8 }]\n" +
    listAttacks(2, "{ name: label-flip }", "{ name: sign-flip }", "{ name: ipm }"),
  "a buffered schedule in simulated time":
    "aggregator: { name: fedavg }\ncohort: { count: 10 }\n" +
    "devices: { seconds: { median: 10, sigma: 0.7 } }\nschedule: { name: buffered, buffer: 5 }\n" +
    "mods: [{ name: encoding, dtype: bf16 }]\n" +
    listAttacks(2, "{ name: random-targets }", "{ name: sign-flip }"),
};

const attacksOnLabels =
  clair +
  listAttacks(
    2,
    "{ name: label-flip }",
    "{ name: label-noise, probability: 0.6 }",
    "{ name: random-targets }",
    "{ name: target-shift, shift: 3 }",
  );

describe("Contaminated clients in Python", function () {
  requirePython();

  let python = "";
  before(async () => {
    python = (await installPython()) ?? "";
  });

  for (const [what, text] of Object.entries(federations)) {
    it(`give the records of simulated clients: ${what}`, () => checkTwins(text, python));
  }

  it("are refused before the first round if they do not honour an attack", async () => {
    const text =
      `external: [${ids.join(", ")}]\n` +
      `python: { clients: "misbehaving:make_client", folder: ${twinFolder} }\n` +
      clair +
      listAttacks(2, "{ name: label-flip }");
    const { code, stderr } = await runTwins(text, "--hosts", "1", "--python", python);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /by 'label-flip', and the clients of this host honour no attack on data/);
  });
});

describe("Contaminated clients of a ClientApp", function () {
  requirePython("flower");

  let python = "";
  before(async () => {
    python = (await installPython("flower")) ?? "";
  });
  const external = `external: [${ids.join(", ")}]\n`;
  const app = `${external}flower: { app: "twin_app:app", folder: ${twinFolder} }\n`;

  it("give the records of a Python client under attacks on labels", async () => {
    const client = `${external}python: { clients: "twin:make_client", folder: ${twinFolder} }\n`;
    const [ofApp, ofClient] = await Promise.all(
      [app, client].map(async (clients) => {
        const hosts = ["--hosts", "1", "--python", python];
        const { code, stderr, out } = await runTwins(attacksOnLabels + clients, ...hosts);
        assert.equal(code, 0, stderr);
        return await readRecords(out);
      }),
    );
    assert.equal(ofApp?.length, 8);
    assert.match(JSON.stringify(ofApp), /"attack":"label-flip"/);
    assert.deepEqual(ofApp, ofClient);
  });

  it("are refused before the first round if the app does not declare the attack", async () => {
    const mirrored = listAttacks(2, "{ name: contaminated-data, kind: mirrored }");
    const hosts = ["--hosts", "1", "--python", python];
    const { code, stderr } = await runTwins(app + clair + mirrored, ...hosts);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /by 'mirrored', and the clients of this host honour 'label-flip', /);
  });
});
