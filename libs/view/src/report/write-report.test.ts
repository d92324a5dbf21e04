import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientIds, type ClientRecord } from "@fedclair/core/internal";
import { noDescription, type TrialDescription } from "@fedclair/runs";
import { readForReport } from "../data/rounds-tally.js";
import { writeRunReport } from "./write-report.js";
import { textWidth } from "../figures/text-width.js";
import { createTestRun, writeTestRun, type TestRun } from "../../testing/test-run.js";

const attacks = { c01: "sign-flip", c04: "label-permute", c07: "sign-flip" };

/** Reads the run in a folder. */
async function writeReport(folder: string, description: Partial<TrialDescription>): Promise<void> {
  await writeRunReport(await readForReport(folder, { ...noDescription, ...description }), folder);
}

/** The run with every client record of the main arm changed. */
function changeClients(run: TestRun, change: (client: ClientRecord) => ClientRecord): TestRun {
  const records = run.records.map((record) =>
    record.arm === "clair" ? { ...record, clients: record.clients.map(change) } : record,
  );
  return { ...run, records };
}

describe("writeReportOf", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const report = async (
    run: TestRun,
    stopped = false,
    description: Partial<TrialDescription> = {},
  ) => {
    await writeTestRun(folder, run, stopped);
    await writeReport(folder, { primary: "accuracy", ...description });
    return readFile(join(folder, "report.html"), "utf8");
  };
  const figures = async () => (await readdir(join(folder, "figures"))).sort();
  const svg = (name: string) => readFile(join(folder, "figures", `${name}.svg`), "utf8");

  it("writes a self-contained page, and three figures in three formats", async () => {
    const label = (id: string) => (id === "c07" ? "Lincoln" : "");
    const page = await report(createTestRun({}, attacks), false, { label });
    assert.deepEqual(
      await figures(),
      ["accuracy", "cost", "scores"].flatMap((f) => [
        `${f}.csv`,
        `${f}.png`,
        `${f}.svg`,
        `${f}.vl.json`,
      ]),
    );
    const markup = page.replace(/<script>.*<\/script>/s, "");
    assert.doesNotMatch(markup, /<link|<img|src=|href="(?!figures\/|#)|url\((?!#)/);
    assert.equal(markup.match(/<svg/g)?.length, 6, "each figure for wide and for narrow screens");
    assert.match(page, /clair flagged 3 of 3 contaminated clients in every round \(4\)/);
    assert.match(page, /c07 Lincoln/);
    assert.match(await svg("scores"), /c07 Lincoln/);
    assert.match(page, /Round 1 of every arm uses the same collected updates/);
  });

  it("writes no figures where a link leads", async function () {
    if (process.platform === "win32") this.skip();
    await mkdir(join(folder, "elsewhere"));
    await symlink("elsewhere", join(folder, "figures"));
    await assert.rejects(
      report(createTestRun({}, attacks)),
      /figures': expected a folder, got a link/,
    );
    assert.deepEqual(await readdir(join(folder, "elsewhere")), []);
  });

  it("reports the backend for TensorFlow.js, and why it was chosen", async () => {
    await writeFile(
      join(folder, "run.json"),
      JSON.stringify({
        hash: "0",
        version: "0",
        started: "2026-01-01T00:00:00.000Z",
        backend: "wasm",
        backendReason: "tensorflow does not load",
      }),
    );
    const page = await report(createTestRun({}, attacks));
    assert.match(
      page,
      /<dt>backend for TensorFlow\.js<\/dt>\s*<dd>wasm; tensorflow does not load<\/dd>/,
    );
  });

  it("does not call clients benign if their truth is unknown", async () => {
    const run = changeClients(createTestRun({ attacks: [] }, {}), (client) => ({
      ...client,
      truth: "unknown",
    }));
    const page = await report(run, false, { unknown: new Set(clientIds(10)) });
    assert.doesNotMatch(page, /benign clients|none contaminated|Truth is known/i);
    for (const sentence of [
      /Means of the clients not known to be contaminated in the last round/,
      /Clients not known to be contaminated over rounds/,
      /10, truth of all unknown/,
      /The truth is unknown for all clients/,
    ]) {
      assert.match(page.replace(/\s+/g, " "), sentence);
    }
  });

  it("lists external clients with unknown truth, and the backend of each kind", async () => {
    const testRun = createTestRun({ external: ["c08", "c09"] }, attacks);
    const run = changeClients(testRun, (client) =>
      client.clientId > "c07" ? { ...client, truth: "unknown" } : client,
    );
    const page = await report(run, false, { unknown: new Set(["c08", "c09"]) });
    const text = page.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
    assert.match(text, /10, 3 contaminated: .*; truth of 2 unknown/);
    assert.match(text, /external clients c08, c09/);
    assert.match(text, /For 2 clients the truth is unknown: they are neither/);
  });

  it("shows the task's own figures in the report's style, drawn from the task's artifacts", async () => {
    const shown = { arm: "clair", round: 2, name: "height", value: [1, 3] };
    await writeTestRun(folder, { ...createTestRun({}, attacks), artifacts: [shown] });
    let arms: readonly string[] = [];
    await writeReport(folder, {
      figures: (input) => {
        arms = input.arms.map(({ label, colour }) => `${label} ${colour}`);
        const values = input.artifacts.map(({ value }) => ({ y: (value as number[])[1] }));
        const encoding = { y: { field: "y", type: "quantitative", title: "Heights of all" } };
        const spec = { data: { values }, mark: "point", encoding };
        return [{ name: "heights", title: "Heights", caption: "Of one.", spec }];
      },
    });
    assert.equal(arms[0], "clair #0072b2");
    assert.match(await svg("heights"), /Heights of all/);
    assert.match(await svg("heights"), /Arimo/);
    const page = await readFile(join(folder, "report.html"), "utf8");
    assert.match(page, /<h2>Heights<\/h2>/);
  });

  it("draws the same data to the same bytes", async () => {
    const first = await report(createTestRun({}, attacks));
    assert.equal(await report(createTestRun({}, attacks)), first);
  });

  it("draws title and caption into the figures' files", async () => {
    const page = await report(createTestRun({}, attacks));
    const drawn = await svg("scores");
    assert.match(drawn, />Scores against the threshold · text-copy-clair, seed 1</);
    assert.match(drawn, />Above the threshold \(dashed\)/);
    assert.doesNotMatch(page, />Scores against the threshold · /);
  });

  it("lays out figures by letter widths, so that a long caption does not widen them", async () => {
    const { drawSvg } = await import("../figures/draw.js");
    const text = "A caption of letters that are wider by Vega's own estimate than they are.";
    const drawn = await drawSvg({ data: { values: [{}] }, mark: "point", title: text });
    const width = Number(/width="(\d+)"/.exec(drawn)?.[1]);
    const computed = textWidth(text, 13);
    assert.ok(width >= computed && width < computed + 20, `${width} for ${computed}`);
  });

  it("draws text into PNG figures", async () => {
    const { drawPng } = await import("../figures/draw-png.js");
    const of = (text: string) =>
      drawPng(`<svg xmlns="http://www.w3.org/2000/svg" width="99" height="20">${text}</svg>`);
    assert.notDeepEqual(of(`<text y="15" font-family="Arimo, Arial">abc</text>`), of(""));
  });

  it("shows a mark's description as a tooltip, whatever it contains", async () => {
    const { drawSvg } = await import("../figures/draw.js");
    const { drawPng } = await import("../figures/draw-png.js");
    const values = [{ about: `<b a="1">\u0000&` }];
    const encoding = { description: { field: "about", type: "nominal" } } as const;
    const drawn = await drawSvg({
      data: { values },
      mark: { type: "point", aria: true },
      encoding,
    });
    assert.match(drawn, /<path [^>]*><title>&lt;b a=&quot;1&quot;&gt;\ufffd&amp;<\/title><\/path>/);
    assert.ok(drawPng(drawn).length > 0);
  });

  it("describes a line by all its points, and marks by their series", async () => {
    const { drawSvg } = await import("../figures/draw.js");
    const values = ["a", "b"].flatMap((arm) =>
      [1, 2].map((x) => ({ arm, x, about: `${arm} at ${x}` })),
    );
    const drawn = await drawSvg({
      config: { aria: true },
      data: { values },
      mark: "line",
      encoding: {
        x: { field: "x", type: "quantitative" },
        y: { field: "x", type: "quantitative" },
        color: { field: "arm", type: "nominal" },
        description: { field: "about" },
      },
    });
    assert.match(drawn, /<path data-series="a" data-about="a at 1&#xA;a at 2"/);
    assert.match(drawn, /<path data-series="b" data-about="b at 1&#xA;b at 2"/);
  });

  it("has rows for groups of more than 60 clients, and names their outliers", async () => {
    const many = createTestRun({ clients: 70, rounds: 1, baselines: [] }, { c01: "sign-flip" });
    const score = (id: string) => ({ c05: 1.5, c06: 1.3 })[id] ?? 1;
    const run = changeClients(many, (client) =>
      client.attack === null
        ? { ...client, score: score(client.clientId), verdict: "benign" }
        : client,
    );
    const page = await report(run);
    const drawn = await svg("scores");
    for (const name of ["c01", "c05", "c06"]) assert.match(drawn, new RegExp(`>${name}<`));
    assert.match(drawn, />sign-flip</);
    assert.equal(drawn.match(/>c\d\d</g)?.length, 4, "one of those with an equal score");
    assert.match(page, /Named: the highest scores of benign clients, the lowest of others/);
  });

  it("puts options last, and lists those that differ from their defaults", async () => {
    const changes = [
      { path: "name", value: "text-copy-clair" },
      { path: "aggregator.name", value: "clair" },
      { path: "aggregator.rank", value: 4 },
    ];
    const page = await report(createTestRun({}, attacks), false, { changes });
    const text = page.replace(/<script[^]*?<\/script>|<style[^]*?<\/style>/g, "");
    const places = [
      /<h2>Scores against the threshold/,
      /<dl class="answer">/,
      /<h2>Arms<\/h2>/,
      /<h2>How it was run<\/h2>/,
      /<td class="text">clair \(rank 4\)<\/td>/,
      /The options that differ from their defaults \(2\)/,
      /The trial file, with every default filled in/,
    ].map((pattern) => text.search(pattern));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.ok(
      places.every((place) => place > 0),
      places.join(" "),
    );
  });

  it("draws labels with any characters", async () => {
    const { drawSvg } = await import("../figures/draw.js");
    const { drawPng } = await import("../figures/draw-png.js");
    const title = "\u001b[31m\u0000\ud800<&>";
    const drawn = await drawSvg({ data: { values: [{}] }, mark: "point", title });
    assert.match(drawn, />\ufffd\[31m\ufffd\ufffd&lt;&amp;&gt;</);
    assert.ok(drawPng(drawn).length > 0);
  });

  it("escapes all texts of a run", async () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const run = createTestRun({ claim: evil }, { c01: evil });
    const failing = changeClients(run, (client) =>
      client.clientId === "c02"
        ? { ...client, failure: { code: "LATE", message: evil }, evaluation: { [evil]: 1 } }
        : client,
    );
    const page = await report(failing, false, { label: () => evil });
    assert.doesNotMatch(page, /<img/);
    // On a phone, a long claim would hide who is flagged.
    assert.ok(page.indexOf('id="figure-scores"') < page.indexOf('class="claim"'));
    assert.match(page, /&#60;img src=x onerror=&#34;alert\(&#39;1&#39;\)&#34;&#62;&#38;/);
  });

  it("lists failures by client, round, code and message", async () => {
    const run = changeClients(createTestRun({}, attacks), ({ clientId, attack, ...rest }) =>
      clientId === "c03"
        ? { clientId, attack, failure: { code: "LATE", message: "no answer for 60 s" } }
        : { clientId, attack, ...rest },
    );
    const page = await report(run);
    assert.match(page, /4 answers of its clients failed/);
    assert.equal(page.match(/no answer for 60 s/g)?.length, 4);
    assert.match(await svg("scores"), />LATE</);
  });

  it("rings and labels wrong verdicts", async () => {
    const run = changeClients(createTestRun({ rounds: 1 }, attacks), (client) =>
      client.clientId === "c01" ? { ...client, verdict: "benign", score: 1.2 } : client,
    );
    const page = await report(run);
    assert.match(page, /flagged 2 of 3 contaminated clients in the only round/);
    assert.match(page, /benign \(missed\)/);
    assert.match(await svg("scores"), />missed</);
  });

  it("shows the rounds of a stopped run", async () => {
    const whole = createTestRun({}, attacks);
    const records = whole.records.filter(({ arm, round }) => arm === "clair" && round < 3);
    const page = await report({ ...whole, records }, true);
    assert.match(page, /Stopped after 2 of 4 rounds: clair flagged 3 of 3/);
    assert.doesNotMatch(page, /against 0\./);
    assert.match(page, /there is no summary.json/);
  });

  it("shows a run without a round", async () => {
    const page = await report({ ...createTestRun({}, attacks), records: [], timings: [] }, true);
    assert.match(page, /Stopped before the end of the first round/);
    assert.deepEqual(await figures(), []);
  });

  it("omits scores without verdicts and accuracy without evaluation", async () => {
    const bare = ({ clientId, attack }: ClientRecord) => ({ clientId, attack, failure: null });
    const run = changeClients(createTestRun({ baselines: [] }, {}), bare);
    const page = await report(run);
    assert.deepEqual(await figures(), ["cost.csv", "cost.png", "cost.svg", "cost.vl.json"]);
    assert.match(page, /clair judges no clients/);
    assert.doesNotMatch(page, /Round 1 of every arm/);
  });

  it("draws a single client, and scores of zero without a threshold", async () => {
    const run = changeClients(createTestRun({ clients: 1 }, {}), (client) => {
      return { ...client, verdict: "benign", score: 0, threshold: null };
    });
    const page = await report(run);
    assert.match(page, /flagged nobody/);
    const drawn = await svg("scores");
    assert.match(drawn, /no threshold/);
    assert.doesNotMatch(drawn, /NaN|Infinity/);
  });

  it("shows arms with any name", async () => {
    for (const label of ["constructor", "__proto__"]) {
      const run = createTestRun({}, attacks);
      const renamed = ({ arm, ...rest }: TestRun["records"][number]) => {
        return { ...rest, arm: arm === "local" ? label : arm };
      };
      const baselines = run.trial.baselines.map((baseline) =>
        baseline.label === "local" ? { ...baseline, label } : baseline,
      );
      const page = await report({
        trial: { ...run.trial, baselines },
        records: run.records.map(renamed),
        timings: run.timings.map((timing) => {
          return { ...timing, arm: timing.arm === "local" ? label : timing.arm };
        }),
      });
      assert.match(page, new RegExp(`benign accuracy 0\\.\\d+ against 0\\.\\d+ \\(${label}\\)`));
      assert.match(page, new RegExp(`<code>accuracy\\.gainOver\\.${label}</code>`));
      assert.doesNotMatch(page, /native code|\[object/);
      // In the legend, and as the head of a column of costs.
      assert.match(await svg("accuracy"), new RegExp(`>${label}<`));
      assert.match(await svg("cost"), new RegExp(`>${label}<`));
    }
  }).timeout(60_000);

  it("compares the same clients when a host was lost, and says that they differ", async () => {
    const whole = createTestRun({ rounds: 1 }, attacks);
    const gone = { code: "HOST_LOST", message: "its host is gone" } as const;
    const records = whole.records.map((record) => {
      if (record.arm !== "local") return record;
      const clients = record.clients.map((client): ClientRecord => {
        if (client.attack !== null || client.clientId > "c04") return client;
        return { clientId: client.clientId, attack: null, failure: gone };
      });
      return { ...record, clients };
    });
    const page = await report({ ...whole, records });
    assert.match(
      page,
      /over the 4 clients measured in every arm \(clair 7, local 4, fedavg 7, oracle 7\)/,
    );
    assert.match(page, /3 of 37 client rounds were lost/);
    assert.match(page, /Clients differ between arms/);
    assert.match(page, /<td class="text">clair<\/td>\s*<td class="text">4 of 7<\/td>/);
    assert.match(page, /<code>clients\.lost\.local<\/code>/);
    const spec = JSON.parse(
      await readFile(join(folder, "figures", "accuracy.vl.json"), "utf8"),
    ) as { data: { values: { n: number }[] } };
    assert.deepEqual(new Set(spec.data.values.map(({ n }) => n)), new Set([4]));
  });

  it("draws the points of all arms on whole rounds", async () => {
    await report(createTestRun({ rounds: 5 }, attacks));
    const text = await readFile(join(folder, "figures", "accuracy.vl.json"), "utf8");
    assert.doesNotMatch(text, /xOffset/);
    const { data, concat } = JSON.parse(text) as {
      data: { values: { round: number }[] };
      concat: { encoding: { x: { type: string; axis: { values: number[] } } } }[];
    };
    assert.ok(data.values.every(({ round }) => Number.isInteger(round)));
    assert.equal(concat[0]?.encoding.x.type, "quantitative");
    assert.deepEqual(concat[0].encoding.x.axis.values, [1, 2, 3, 4, 5]);
  });

  it("handles clients that sent a hundred thousand metrics, whatever their names contain", async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `m${i}\u001b[31m`);
    const evaluation = Object.fromEntries(names.map((name, i) => [name, i]));
    const testRun = createTestRun({ rounds: 1, baselines: [] }, attacks);
    const run = changeClients(testRun, (client) =>
      client.clientId === "c00" ? { ...client, evaluation } : client,
    );
    const page = await report(run);
    assert.match(page, /12 of 100,003 metrics; all are in/);
    assert.match(page, /300 of 100,0\d\d measures/);
    // Tabs and carriage returns belong to the page; no other control character is on it.
    assert.doesNotMatch(page, /[\u0000-\u0008\u000b-\u001f\u007f]/);
    assert.ok(page.length < 3e6, `${page.length} characters`);
  }).timeout(120_000);

  for (const { what, clients, rounds } of [
    { what: "one round of 500", clients: 500, rounds: 1 },
    { what: "six rounds of 10", clients: 10, rounds: 6 },
  ]) {
    it(`draws ${what} clients`, async () => {
      const contaminated = clients > 99 ? { c001: "sign-flip" } : attacks;
      await report(createTestRun({ clients, rounds }, contaminated));
      const drawn = await svg("scores");
      assert.doesNotMatch(drawn, /NaN|Infinity/);
      assert.match(drawn, />sign-flip</);
    });
  }

  it("stays small for 200 rounds of 100 out of 10,000 clients that are all misjudged", async () => {
    const ids = Array.from({ length: 3000 }, (_, i) => `c${String(3 * i).padStart(4, "0")}`);
    const run = createTestRun(
      { clients: 10_000, rounds: 200, cohort: { count: 100 } },
      Object.fromEntries(ids.map((id) => [id, "sign-flip"])),
    );
    await report(
      changeClients(run, (c) => ({ ...c, verdict: c.attack === null ? "contaminated" : "benign" })),
    );
    const { size } = await stat(join(folder, "report.html"));
    assert.ok(size < 3e6, `${size} bytes`);
  }).timeout(60_000);

  it("reports 35,000 rounds", async () => {
    const baselines = createTestRun({}, {}).trial.baselines.slice(0, 1);
    const run = createTestRun({ rounds: 35_000, clients: 3, baselines }, { c01: "sign-flip" });
    const page = await report(run);
    assert.ok(page.length < 1e6, `${page.length} characters`);
    assert.match(page, /Drawn are 275 of 35,000 rounds/);
    assert.match(page, /<td class="text">35000 of 35000<\/td>/);
  }).timeout(120_000);
});
