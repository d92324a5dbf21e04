import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { bytesOf, recordsOf } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";

describe("evaluation-bias over sockets", () => {
  it("names the institutions that fabricate scores, with the bytes of one process, and draws its figures", async () => {
    const folder = await temporaryFolder();
    const run = async (way: string, ...options: string[]) => {
      const trial = join(workspace, "trials/evaluation-bias/fabricated.yaml");
      const smaller = [
        ...["--set", "baselines=[{ label: fedavg, aggregator: { name: fedavg } }]"],
        ...["--set", "evaluate=never"],
      ];
      const ended = await fedclair([
        "run",
        trial,
        "--out",
        join(folder, way),
        ...smaller,
        ...options,
      ]);
      assert.equal(ended.code, 0, ended.stderr);
      return join(folder, way);
    };
    const out = await run("hosts", "--hosts", "2");
    const records = await recordsOf(out);
    assert.deepEqual(
      records.map(({ arm, phase }) => `${arm} ${phase}`),
      ["clair reference", "clair moments", "fedavg reference", "fedavg moments"],
    );
    for (const { clients } of records.slice(0, 2)) {
      assert.equal(clients.filter(({ attack }) => attack !== null).length, 5);
      for (const { attack, verdict } of clients) {
        assert.equal(verdict, attack === null ? "benign" : "contaminated");
      }
    }
    for (const name of ["densities", "selection", "institutions"]) {
      assert.ok(existsSync(join(out, "figures", `${name}.png`)), name);
    }
    assert.deepEqual(
      await bytesOf(out),
      await bytesOf(await run("memory", "--transport", "memory")),
    );
  });
});
