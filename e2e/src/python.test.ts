import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCodes } from "@fedclair/core/internal";
import { fedclair } from "./support/command.js";
import { listFailures, readRecords, readResultBytes } from "./support/federation.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { examples, installPython, startPythonFederation } from "./support/python.js";
import { checkTwins, listAttacks } from "./support/twins.js";

// The only tests of the gate that start Python. All others run by npm run test:python.
describe("essentials of Python clients", function () {
  let python = "";
  before(async function () {
    this.timeout(900_000); // includes the installation
    const installed = await installPython();
    if (installed === undefined) this.skip();
    python = installed;
  });

  it("run by one command, with the same bytes on one host and on three, and CLAIR flags the six", async () => {
    const linear = join(workspace, examples, "linear.yaml");
    const folder = await temporaryFolder();
    const bytes = [];
    for (const hosts of ["1", "3"]) {
      const out = join(folder, hosts);
      const how = ["--set", "rounds=2", "--hosts", hosts, "--no-report", "--python", python];
      const { code, stdout, stderr } = await fedclair(["run", linear, "--out", out, ...how]);
      assert.equal(code, 0, stderr);
      // A client that was flagged in the first round is inactive in the second.
      assert.match(stdout, /, 6 of 12 over 2 rounds, with no false alarm; flagged exactly the /);
      bytes.push(await readResultBytes(out));
    }
    assert.deepEqual(bytes[0], bytes[1]);
  });

  it("give the records of simulated clients under attacks on data and on updates", async () => {
    const text =
      "aggregator: { name: clair, rank: 3 }\nbaselines: [{ label: fedavg, aggregator: { name: fedavg } }]\n" +
      listAttacks(
        1,
        "{ name: label-flip }",
        "{ name: label-noise, probability: 0.6 }",
        "{ name: random-targets }",
        "{ name: target-shift, shift: 3 }",
        "{ name: contaminated-data, kind: mirrored }",
        "{ name: sign-flip }",
        "{ name: scaling }",
        "{ name: gaussian-update }",
        "{ name: free-rider }",
        "{ name: broken }",
      );
    await checkTwins(text, python);
  });

  it("are lost if their host dies in a round, and the others finish the trial", async () => {
    const out = await temporaryFolder();
    const hosts = ["7", "2", "7"].map((n) => ["misbehaving:make_client", "--capacity", n]);
    const { coordinator, hosts: started } = await startPythonFederation(
      // The round waits this long for a client that never answers.
      ...[fixture("python-misbehaving"), out, ["limits.quorum=0.05", "limits.answerSeconds=8"]],
      ...[hosts, "apps/client-python/tests", { WAIT: "1" }],
    );
    await Promise.any(
      started.map(async (host) => {
        await host.waitForOutput(/c08 waits/);
        host.process.kill("SIGKILL");
      }),
    );
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, exitCodes.lost, stderr);
    const codes = await Promise.all(started.map(async ({ ended }) => (await ended).code));
    assert.deepEqual(codes.toSorted(), [0, 0, "SIGKILL"]);
    const [, second] = await readRecords(out);
    assert.ok(second && listFailures(second).includes("c08 HOST_LOST"));
  });
});
