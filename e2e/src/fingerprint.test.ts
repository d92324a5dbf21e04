import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseTrial } from "@fedclair/core/internal";
import { loadBuiltIn } from "@fedclair/plugins";
import "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

/** The functions of `scripts/fingerprint` that are tested here. They are plain JavaScript. */
interface Parts {
  readonly trialsToRun: () => readonly {
    readonly file: string;
    readonly set: Readonly<Record<string, unknown>>;
  }[];
  readonly setArguments: (set: object, data: string) => readonly string[];
  readonly makeData: (folder: string) => Promise<void>;
  readonly fingerprintRun: (folder: string) => Promise<object>;
  readonly listDifferences: (before: Trials, after: Trials) => readonly Difference[];
  readonly accepts: (patterns: readonly string[]) => (kind: string) => boolean;
  readonly formatDifferences: (found: readonly Difference[]) => string;
}

type Trials = ReadonlyMap<string, object>;

interface Difference {
  readonly kind: string;
}

async function loadParts(): Promise<Parts> {
  const modules = ["trials", "make-data", "run", "compare"].map(async (name) => {
    const url = pathToFileURL(join(workspace, "scripts/fingerprint", `${name}.js`));
    return (await import(url.href)) as Partial<Parts>;
  });
  return Object.assign({}, ...(await Promise.all(modules))) as Parts;
}

function command(...args: readonly string[]): Promise<{ code: unknown; text: string }> {
  const script = join(workspace, "scripts/fingerprint.js");
  return new Promise((resolve) => {
    // Node warns if the caller's variables for colours contradict one another.
    const env = { ...process.env };
    delete env["NO_COLOR"];
    delete env["FORCE_COLOR"];
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, text: stdout + stderr });
    });
  });
}

/** A round of two clients, the first of them flagged. */
const line = {
  arm: "fedavg",
  round: 1,
  phase: "train",
  clients: [
    { clientId: "c00", attack: "alie", failure: null, verdict: "contaminated", score: 2 },
    {
      clientId: "c01",
      attack: null,
      failure: null,
      numExamples: 3,
      train: { loss: 0.5 },
      verdict: "benign",
      score: 1,
      threshold: null,
      evaluation: { error: 0.25 },
    },
  ],
  metrics: { gap: 1.5 },
  bytes: { down: 16, up: 16 },
};
const [bad, good] = line.clients;
const withGood = (changes: object) => ({ ...line, clients: [bad, { ...good, ...changes }] });
const artifact = { arm: "fedavg", round: 1, name: "path", value: { x: 1, y: [2, 3] } };

/** A run folder. */
interface Run {
  readonly record?: object;
  readonly artifacts?: { readonly file: string; readonly content: object };
  /** The four bytes of the one tensor. */
  readonly tensor?: readonly number[];
  readonly measures?: object;
}

/** Writes a run as fedclair does. @returns its folder */
async function writeRun({ record = line, artifacts, tensor, measures }: Run): Promise<string> {
  const folder = await temporaryFolder();
  const header = { "global/w": { dtype: "F32", shape: [1], data_offsets: [0, 4] } };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const files: [string, string | Uint8Array][] = [
    ["records.jsonl", `${JSON.stringify(record)}\n`],
    [artifacts?.file ?? "artifacts.jsonl", `${JSON.stringify(artifacts?.content ?? artifact)}\n`],
    ["params.safetensors", Buffer.concat([length, json, Buffer.from(tensor ?? [1, 2, 3, 4])])],
    ["summary.json", JSON.stringify({ measures: measures ?? { "error.fedavg": 0.25 } })],
  ];
  await Promise.all(files.map(([name, content]) => writeFile(join(folder, name), content)));
  return folder;
}

/** Lists the differences between two runs with the given exit codes. */
async function findDifferences(
  before: Run,
  after: Run,
  exits = [0, 0],
): Promise<readonly Difference[]> {
  const { fingerprintRun, listDifferences } = await loadParts();
  const [old, now] = await Promise.all(
    [before, after].map(async (run, i) => {
      const fingerprint = await fingerprintRun(await writeRun(run));
      return new Map([["t", { exit: exits[i], error: "why", ...fingerprint }]]);
    }),
  );
  assert.ok(old && now);
  return listDifferences(old, now);
}

async function formatDifferences(differences: readonly Difference[]): Promise<string> {
  return (await loadParts()).formatDifferences(differences);
}

describe("npm run fingerprint", () => {
  it("runs a trial, finds no difference to itself, and reports a changed number", async function () {
    this.timeout(300_000);
    const folder = await temporaryFolder();
    const [file, other] = [join(folder, "file"), join(folder, "other")];
    const trial = "trials/linear-regression/gaussian.yaml";
    const outcome = await command("--out", file, "--only", `^${trial}$`);
    assert.equal(outcome.code, 0, outcome.text);
    const same = await command("--compare", file, file);
    assert.deepEqual(same, { code: 0, text: "1 trials compared, 0 differences\n" });

    const text = await readFile(file, "utf8");
    assert.match(text, /"verdicts": "[bc]{20}"/);
    await writeFile(other, text.replace(/("score": ")[^"]*/, "$1changed"));
    const changed = await command("--compare", file, other);
    assert.equal(changed.code, 1);
    assert.match(
      changed.text,
      /^trials\/linear-regression\/gaussian.yaml: clair: score: round 1 [0-9a-f]{16} → changed\n1 trials compared, 1 differences\n$/,
    );
    const allowed = await command("--compare", file, other, "--allow", "bytes,score");
    const accepted = "accepted: score 1\n1 trials compared, 0 differences\n";
    assert.deepEqual(allowed, { code: 0, text: accepted });
    // A comparison of no trials proves nothing.
    assert.equal((await command("--compare", file, file, "--only", "xor")).code, 1);
  });

  it("records a trial that fails", async () => {
    const folder = await temporaryFolder();
    const program = join(folder, "fedclair.mjs");
    const script = 'console.error("error: in " + process.argv.at(-1) + "\\n    at a line\\n");';
    await writeFile(program, `${script} process.exitCode = 3;`);
    const out = join(folder, "out");
    const outcome = await command("--command", program, "--out", out, "--only", "xor-agents.yaml$");
    assert.equal(outcome.code, 0, outcome.text);
    const failed = JSON.parse(await readFile(out, "utf8")) as Record<string, object>;
    assert.deepEqual(Object.values(failed), [
      {
        settings: "limits.clientSeconds=600 limits.answerSeconds=900 limits.joinSeconds=300",
        exit: 3,
        error: "error: in FOLDER/libs-methods-alberdice-trials-xor-agents.yaml",
        arms: [],
      },
    ]);
  });

  it("prints its usage for invalid arguments", async () => {
    const { code, text } = await command("--compare", "one");
    assert.equal(code, 2);
    assert.match(text, /^usage: npm run fingerprint/);
  });

  it("reads artifacts under their old name, and keys in any order", async () => {
    const { arm, ...rest } = line;
    const content = { ...artifact, value: { y: [2, 3], x: 1 } };
    const old = { record: { ...rest, arm }, artifacts: { file: "exhibits.jsonl", content } };
    assert.deepEqual(await findDifferences(old, {}), []);
  });

  const changes: [what: string, after: Run, says: RegExp][] = [
    [
      "score",
      { record: withGood({ score: 1 + 2 ** -52 }) },
      /^t: fedavg: score: round 1 \w+ → \w+$/,
    ],
    ["threshold", { record: withGood({ threshold: -1 }) }, /: threshold: round 1 \w+ → \w+$/m],
    [
      "verdict",
      { record: withGood({ verdict: "invalid" }) },
      /^t: fedavg: verdicts: round 1 cB → cx$/,
    ],
    [
      "examples",
      { record: withGood({ numExamples: 4 }) },
      /^t: fedavg: numExamples: round 1 [^;]*$/,
    ],
    [
      "training",
      { record: withGood({ train: { loss: 0.6 } }) },
      /^t: fedavg: train: round 1 loss [^;]*$/,
    ],
    [
      "evaluation",
      { record: withGood({ evaluation: {} }) },
      /: evaluation: round 1 error \w+ → none$/,
    ],
    [
      "failure",
      { record: withGood({ evaluationFailure: { code: "LATE", message: "" } }) },
      /^t: fedavg: failures: round 1 {2}→ c01 evaluation LATE$/,
    ],
    ["attack", { record: withGood({ attack: "ipm" }) }, /^t: fedavg: cohort: round 1 \w+ → \w+$/],
    [
      "metrics",
      { record: { ...line, metrics: { gap: 1.75 } } },
      /: metrics: round 1 gap 1.5 → 1.75$/,
    ],
    ["bytes", { record: { ...line, bytes: { down: 16, up: 8 } } }, /: bytes: round 1 up 16 → 8$/],
    ["phase", { record: { ...line, phase: "data" } }, /^t: fedavg: phase: round 1 train → data$/],
    [
      "arm",
      { record: { ...line, arm: "krum" } },
      /^t: fedavg: arm: is gone\nt: krum: arm: is new$/,
    ],
    ["round", { record: { ...line, round: 2 } }, /: round: round 1 is gone; round 2 is new$/],
    ["tensor", { tensor: [1, 2, 3, 5] }, /^t: params: global\/w F32\[1\] \w+ → F32\[1\] \w+$/],
    ["measures", { measures: { "error.fedavg": 0.5 } }, /^t: measures: error.fedavg 0.25 → 0.5$/],
    [
      "artifact",
      { artifacts: { file: "artifacts.jsonl", content: { ...artifact, value: 1 } } },
      /^t: fedavg: artifacts: round 1 path \w+ → \w+$/,
    ],
  ];
  for (const [what, after, says] of changes) {
    it(`reports a change: ${what}`, async () => {
      assert.match(await formatDifferences(await findDifferences({}, after)), says);
    });
  }

  it("distinguishes undecided from benign without a threshold", async () => {
    const undecided = { record: withGood({ verdict: "undecided" }) };
    assert.equal(
      await formatDifferences(await findDifferences({}, undecided)),
      "t: fedavg: undecided: round 1 cB → cu",
    );
    const kinds = async (before: Run, after: Run) =>
      (await findDifferences(before, after)).map(({ kind }) => kind);
    const decided = { record: withGood({ threshold: 3 }) };
    assert.deepEqual(await kinds(decided, undecided), ["verdicts", "threshold"]);
    assert.deepEqual(await kinds(undecided, {}), ["verdicts"]);
  });

  it("compares only the common rounds of a trial that ended differently", async () => {
    const measured = { record: { ...line, metrics: {} } };
    assert.equal(
      await formatDifferences(await findDifferences({}, measured, [3, 0])),
      "t: exit: 3 (why) → 0\nt: fedavg: metrics: round 1 gap 1.5 → none",
    );
    const [only] = await findDifferences({}, { record: { ...line, arm: "krum" } }, [3, 0]);
    assert.equal(only?.kind, "exit");
  });

  it("accepts a kind, all names of a kind, and names by a pattern", async () => {
    const accepted = (await loadParts()).accepts(["undecided", "bytes", "measures:detection.*"]);
    const kinds = [
      "undecided",
      "bytes:up",
      "measures:detection.recall",
      "measures:error.detection.",
    ];
    assert.deepEqual(kinds.map(accepted), [true, true, true, false]);
    assert.equal((await loadParts()).accepts([])("score"), false);
  });

  it("runs valid trials that cover every task, aggregator, attack, mod and personal method", async function () {
    this.timeout(300_000);
    const { trialsToRun, setArguments, makeData } = await loadParts();
    const all = await loadBuiltIn();
    const covered = {
      tasks: new Set(),
      aggregators: new Set(),
      attacks: new Set(),
      mods: new Set(),
      personal: new Set(),
    };
    const data = await temporaryFolder();
    await makeData(data);
    for (const { file, set } of trialsToRun()) {
      const overrides = setArguments(set, data).filter((word) => word !== "--set");
      const trial = parseTrial(await readFile(join(workspace, file), "utf8"), file, all, overrides);
      covered.tasks.add(trial.task.name);
      for (const { aggregator, personal } of [trial, ...trial.baselines]) {
        covered.aggregators.add(aggregator.name);
        if (personal) covered.personal.add(personal.name);
      }
      for (const { attack } of trial.attacks) covered.attacks.add(attack.name);
      for (const { name } of trial.mods ?? []) covered.mods.add(name);
    }
    // These need hosts in other languages, which e2e/src/python-clients.test.ts tests.
    covered.tasks.add("external");
    covered.attacks.add("declared");
    for (const kind of ["tasks", "aggregators", "attacks", "mods", "personal"] as const) {
      assert.deepEqual([...covered[kind]].sort(), [...(all[kind]?.keys() ?? [])].sort(), kind);
    }
  });
});
