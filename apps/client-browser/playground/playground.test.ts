import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientRunner, MemoryPool } from "@fedclair/core/internal";
import { recordTrial } from "@fedclair/runs";
import { play, prepare, type Report } from "./engine.js";
import {
  attacks,
  formatSetting,
  heterogeneities,
  parseSetting,
  rules,
  trialText,
  usual,
} from "./settings.js";

const quick = `name: quick
rounds: 1
clients: 5
task: { name: text-copy, sequences: 4, localSteps: 2, evaluationSequences: 2 }
aggregator: { name: clair, rank: 2 }
baselines: [{ label: local, aggregator: { name: local } }]
attacks: [{ attack: { name: sign-flip }, count: 1 }]
`;

describe("the playground", () => {
  it("writes the records of a run folder", async () => {
    const out = await mkdtemp(join(tmpdir(), "playground-"));
    try {
      const prepared = await prepare(quick);
      const pool = new MemoryPool(new ClientRunner(prepared));
      const backend = () => "wasm";
      const { signal } = new AbortController();
      await recordTrial({ prepared, pool, out: join(out, "run"), signal, backend });
      const reports: Report[] = [];
      await play(quick, (one) => reports.push(one), { version: "0.1.0", backend: "wasm" });
      const lines = reports.flatMap((one) => (one.kind === "round" ? [one.line] : []));
      assert.equal(lines.join(""), await readFile(join(out, "run/records.jsonl"), "utf8"));
      const states = reports.flatMap((one) => (one.kind === "run" ? [one.state] : []));
      assert.equal(states.at(-1)?.status, "done");
      assert.match(states.at(-1)?.card?.parts.join(" ") ?? "", /of 1 .*accuracy/);
    } finally {
      await rm(out, { recursive: true });
    }
  });

  it("gives the marks of the site's first page", async () => {
    const place = new URL("../../../../docs/.vitepress/theme/scores.json", import.meta.url);
    const { ratios } = JSON.parse(await readFile(place, "utf8")) as { ratios: number[][] };
    const trial = trialText(usual).replace("rounds: 4", "rounds: 1");
    const begin = trial
      .replace(/baselines:[^]*(?=attacks:)/, "")
      .replace("evaluationSequences: 64", "evaluationSequences: 2");
    const found: number[] = [];
    const collect = (one: Report) => {
      if (one.kind !== "round") return;
      const { clients } = JSON.parse(one.line) as {
        clients: { score: number; threshold: number }[];
      };
      for (const { score, threshold } of clients)
        found.push(Number((score / threshold).toPrecision(3)));
    };
    await play(begin, collect, { version: "", backend: "wasm" });
    assert.deepEqual(found, ratios[0]);
  });

  it("has a trial for every setting, and an address that names it", async () => {
    const [[data] = [""]] = heterogeneities;
    for (const setting of [
      ...attacks.map(([attack]) => ({ ...usual, attack, data })),
      ...rules.map(([rule]) => ({ ...usual, rule, share: 0.4, seed: 7 })),
    ]) {
      assert.deepEqual(parseSetting(formatSetting(setting)), setting);
      const { trial } = await prepare(trialText(setting));
      assert.equal(trial.attacks[0]?.count, setting.share * 20);
    }
    const { trial } = await prepare(trialText({ ...usual, share: 0 }));
    assert.equal(trial.attacks.length, 0);
  });

  it("takes what is usual for what an address does not say", () => {
    assert.deepEqual(parseSetting("#attack=arson&share=3&seed=-1&rule=krum"), usual);
    assert.deepEqual(parseSetting("#rule=fedavg"), { ...usual, rule: "fedavg" });
  });
});
