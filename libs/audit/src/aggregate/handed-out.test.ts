import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors, type Dense } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { parseEvaluate } from "../refine/evaluate-command.js";
import { aggregate } from "./aggregate.js";
import { aggregateRound, type RoundOptions } from "./aggregate-round.js";

const [rows, columns, rank] = [12, 10, 2];
const clients = Array.from({ length: 8 }, (_, k) => `client-${k}`);

/** The factors of a client's change: those of honest clients share their columns. */
function createPair(client: string) {
  const own = stream("handed out").at(client);
  const shared = stream("shared").normals(rows * rank);
  const noise = own.at("noise").normals(rows * rank, 0.1);
  const b = Float32Array.from(shared, (x, i) => x + (noise[i] ?? 0));
  const a = Float32Array.from(own.at("A").normals(rank * columns));
  return { b: { shape: [rows, rank], data: b }, a: { shape: [rank, columns], data: a } };
}

/** A command with the lowest loss for one kind of every client. */
const command =
  "case {adapter} in */global/client-1|*/clair/client-2|*/added-half/client-3|*/own/client-[04567]) echo 1;; *) echo 2;; esac";

describe("what a server step hands out", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-handed-"));
    for (const client of clients) {
      const { b, a } = createPair(client);
      const tensors = new Map<string, Dense>([
        ["base_model.model.m.lora_A.weight", a],
        ["base_model.model.m.lora_B.weight", b],
      ]);
      const place = join(folder, "in", client);
      await mkdir(place, { recursive: true });
      await writeFile(join(place, "adapter_model.safetensors"), encodeSafetensors(tensors));
      const config = { peft_type: "LORA", r: rank, lora_alpha: rank };
      await writeFile(join(place, "adapter_config.json"), JSON.stringify(config));
    }
  });
  afterEach(() => rm(folder, { recursive: true }));

  const step = (options: Partial<RoundOptions> = {}) =>
    aggregateRound(join(folder, "in"), {
      aggregator: "clair",
      set: ["rank=2", "rule=gap"],
      out: join(folder, "out"),
      ...options,
    });
  const evaluate = () => ({
    command: parseEvaluate(command),
    timeoutSeconds: 60,
    jobs: 2,
  });
  const readAdapter = (...place: string[]) =>
    readFile(join(folder, "out", ...place, "adapter_model.safetensors"));

  it("refines nobody by default, so that all clients continue with the mean of the benign ones", async () => {
    const report = await step();
    assert.deepEqual([report.hasGlobal, report.personal, report.warnings], [true, [], []]);
    assert.deepEqual((await readdir(join(folder, "out"))).sort(), [
      "global",
      "report.html",
      "verdicts.json",
    ]);
  });

  it("says what must hold for refined changes to be better if nobody measures them", async () => {
    const set = ["rank=2", "rule=gap", "models=personal"];
    const { personal, warnings } = await step({ set });
    assert.deepEqual(personal, clients);
    const said = /they are if error makes up at least (\d+) to (\d+) % of the energy/;
    const [, least, most] = said.exec(warnings.join()) ?? assert.fail(warnings.join());
    // About half of what is moved: the noise of size .1 outside the space beside 1 inside.
    assert.ok(Number(most) <= 3 && Number(least) <= Number(most), warnings.join());

    const updates = clients.map((clientId) => ({
      clientId,
      numExamples: 1,
      delta: new Map([["m", createPair(clientId)]]),
      metrics: {},
    }));
    const request = { aggregator: "clair", set: ["rank=2", "rule=gap"] };
    const plain = await aggregate(updates, request);
    assert.deepEqual([plain.aggregation.personal, plain.notice], [undefined, undefined]);
    const refined = await aggregate(updates, { ...request, set });
    assert.match(refined.notice ?? "", said);
  });

  it("leaves out a client whose number of examples is missing, and no other", async () => {
    const examples = join(folder, "examples.json");
    await writeFile(
      examples,
      JSON.stringify(Object.fromEntries(clients.slice(1).map((name) => [name, 5]))),
    );
    const report = await step({ aggregator: "fedavg", set: [], examples });
    const invalid = report.clients.filter(({ status }) => status === "invalid");
    const reason = "no number for it in the file of --examples: add one";
    assert.deepEqual(
      invalid.map((one) => [one.name, one.reason]),
      [[clients[0], reason]],
    );
    assert.ok(report.hasGlobal);
    await writeFile(examples, "{}");
    await assert.rejects(
      step({ examples, out: join(folder, "b") }),
      /none of 8 clients .*: no number for it/,
    );
  });

  it("gives each client the version with the lowest loss if it is measured", async () => {
    const { evaluation, personal } = await step({ evaluate: evaluate() });
    assert.deepEqual(personal, clients);
    assert.deepEqual(
      evaluation?.clients.map(({ chosen }) => chosen),
      ["own", "global", "clair", "added-half", "own", "own", "own", "own"],
    );
    assert.deepEqual(await readAdapter("personal", "client-1"), await readAdapter("global"));
    const page = await readFile(join(folder, "out", "report.html"), "utf8");
    assert.match(page, /own for 5 \(client-0, client-4, client-5, and 2 more\); global for 1/);
    assert.match(page, /Mean loss 1\.000; 1\.375 with the clients&#39; own adapters/);
  });

  it("measures nothing if nobody is refined, and writes nothing if the command fails", async () => {
    await assert.rejects(
      step({ aggregator: "fedavg", set: [], evaluate: evaluate() }),
      /--evaluate: fedavg refines no client here; expected --aggregator clair, without models=global/,
    );
    const failing = { ...evaluate(), command: parseEvaluate("false {adapter}") };
    await assert.rejects(step({ evaluate: failing }), /the command failed with code 1/);
    await assert.rejects(readdir(join(folder, "out")), /ENOENT/);
  });
});
