import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { openPage, seriousFindings } from "./support/browser.js";
import { fedclair, start } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { forgeRecord } from "./support/forge-record.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";

interface Client {
  readonly clientId: string;
  readonly verdict?: string;
  readonly score?: number | null;
  readonly threshold?: number | null;
  readonly evaluation?: Readonly<Record<string, number>>;
  readonly evidence?: readonly {
    readonly kind: string;
    readonly statistic: number;
    readonly deviations: number;
    readonly rounds?: number;
  }[];
  readonly modules?: readonly { readonly module: string; readonly ratio: number }[];
}

interface Round {
  readonly arm: string;
  readonly round: number;
  readonly clients: readonly Client[];
}

/** Reads the main arm of a run. */
async function readRounds(run: string): Promise<Round[]> {
  const text = await readFile(join(run, "records.jsonl"), "utf8");
  const all = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Round);
  return all.filter(({ arm }) => arm === all[0]?.arm);
}

const addressOf = (run: string) => pathToFileURL(join(run, "report.html")).href;

/** Opens the report of a run, and waits until its rounds are there. */
async function openReport(run: string, options = {}) {
  const opened = await openPage(addressOf(run), options);
  await opened.page.locator("#rounds input[type=range]").waitFor();
  return opened;
}

async function chooseClient(page: Page, clientId: string): Promise<void> {
  await page.getByLabel("Find a client").fill(clientId);
  await page.locator(".chooser button").first().click();
  await page.locator(".client h3").filter({ hasText: clientId }).waitFor();
}

/** Is a shown number the recorded one, as rounded as it is shown? */
function assertShown(text: string | null | undefined, value: number, where: string): void {
  const digits = /\.(\d+)/.exec(text ?? "")?.[1]?.length ?? 0;
  const shown = Number(text?.replaceAll(",", ""));
  const size = Math.max(1, Math.abs(value) >= 1e6 ? Math.abs(value) : 1);
  const close = Math.abs(shown - value) <= 0.5000001 * 10 ** -digits * size;
  assert.ok(close, `${where}: ${text ?? "nothing"} for ${value}`);
}

/** The texts of the cells of a table in a section of a page, without the heads. */
function readCells(page: string, id: string): string[][] {
  const [, section = ""] = new RegExp(`<section id="${id}">(.*?)</section>`, "s").exec(page) ?? [];
  return [...section.matchAll(/<tr>(.*?)<\/tr>/gs)]
    .slice(1)
    .map(([, row = ""]) =>
      [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, cell = ""]) => cell.trim()),
    );
}

/** The mean of a metric over clients that measured it in both records, in the first of them. */
function meanShared(own: Round | undefined, other: Round | undefined, metric: string): number {
  const measured = ({ clients }: Round) =>
    new Map(clients.flatMap((one) => [[one.clientId, one.evaluation?.[metric]] as const]));
  assert.ok(own && other);
  const theirs = measured(other);
  const values = [...measured(own)].flatMap(([id, value]) =>
    value === undefined || theirs.get(id) === undefined ? [] : [value],
  );
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("the report", function () {
  let documented: Awaited<ReturnType<typeof runDocument>>;
  before(async () => {
    // live-page-document.test.ts runs the commands that serve the live page
    const servesPage = (line: string) => / fedclair view| --(open|page)\b/.test(line);
    documented = await runDocument("docs/report.md", servesPage);
  });

  describe("docs/report.md", () => {
    it("works as it is written, and the report has what a replay computed", async () => {
      const { folder, code, stderr } = documented;
      assert.equal(code, 0, stderr);
      const page = await readFile(join(folder, "runs/first/report.html"), "utf8");
      const first = join(folder, "runs/first");
      const rounds = await readRounds(first);
      const highest = new Map<string, number>();
      for (const { clientId, score, threshold } of rounds.flatMap(({ clients }) => clients)) {
        const ratio = (score ?? 0) / (threshold ?? Infinity);
        highest.set(clientId, Math.max(ratio, highest.get(clientId) ?? 0));
      }
      const suspicious = [...highest].sort(([, a], [, b]) => b - a).map(([id]) => id);
      const rows = readCells(page, "without");
      assert.deepEqual(
        rows.map(([name = "", , , from]) => [name.split(" ")[0], from]),
        suspicious.slice(0, 3).map((id) => [id, "1"]),
      );
      for (const [name = "", , , , without, withThem, difference] of rows) {
        const [where = ""] = name.split(" ");
        const other = (await readRounds(`${first}-without-${where}`)).at(-1);
        const [value, own] = [
          meanShared(other, rounds.at(-1), "error"),
          meanShared(rounds.at(-1), other, "error"),
        ];
        assertShown(without, value, where);
        assertShown(withThem, own, where);
        assertShown(difference?.split(" ")[0], value - own, where);
      }
    });
  });

  describe("the report in a browser", () => {
    requirePrograms("chromium");
    let run: string;
    before(async () => {
      run = join(await temporaryFolder(), "run");
      const args = ["--set", "rounds=3", "--transport", "memory", "--out", run];
      const { code, stderr } = await fedclair(["run", fixture("text-copy"), ...args]);
      assert.equal(code, 0, stderr);
    });

    it("shows every number of its records, round by round and client by client", async () => {
      const { page, complaints } = await openReport(run);
      let [compared, listed] = [0, 0];
      for (const { round, clients } of await readRounds(run)) {
        await page.locator("#rounds input[type=range]").fill(String(round - 1));
        await page
          .locator(".slider")
          .filter({ hasText: `Round ${round} of 3` })
          .waitFor();
        for (const client of clients) {
          const { clientId, verdict, score, threshold, evaluation } = client;
          const { evidence = [], modules = [] } = client;
          const where = `round ${round} ${clientId}`;
          await chooseClient(page, clientId);
          const panel = page.locator(".client");
          if (verdict !== undefined) assert.match(await panel.innerText(), new RegExp(verdict));
          for (const [name, value] of Object.entries({ score, threshold })) {
            if (value == null) continue;
            const text = await panel.locator(`[data-value=${name}]`).textContent();
            assertShown(text, value, `${where} ${name}`);
            compared++;
          }
          const accuracy = evaluation?.["accuracy"];
          if (accuracy !== undefined) {
            const text = await panel.locator("[data-value=metric]").textContent();
            assertShown(text, accuracy, `${where} accuracy`);
          }
          for (const { kind, statistic, deviations, rounds } of evidence) {
            const name = rounds === undefined ? kind : `${kind} over rounds`;
            const row = panel.locator(`tr:has([data-kind="${name}"])`);
            const cell = (value: string) => row.locator(`[data-value=${value}]`).textContent();
            assertShown(await cell("statistic"), statistic, `${where} ${name}`);
            assertShown(await cell("deviations"), deviations, `${where} ${name}`);
            compared += 2;
          }
          assert.equal(await panel.locator("[data-module]").count(), modules.length);
          for (const { module, ratio } of modules) {
            const row = panel.locator(`[data-module="${module}"]`);
            assertShown(await row.locator("[data-value=ratio]").textContent(), ratio, where);
            listed++;
          }
        }
      }
      assert.ok(compared > 100, `${compared} numbers`);
      assert.ok(listed > 0, "no module");
      assert.deepEqual(complaints, []);
      assert.ok((await stat(join(run, "report.html"))).size < 1e6);
    });

    it("is readable without scripts", async () => {
      const { page } = await openPage(addressOf(run), { scripts: false });
      await page.getByText("In words: who, by how much").click();
      const text = await page.locator("body").innerText();
      assert.match(
        text,
        /^text-copy-small\n\n\d of \d contaminated flagged · \d of \d false alarms · /,
      );
      assert.match(text, /\nFlagged\n.*\nWhen last judged, /);
      assert.match(text, /\nScores against the threshold\n[^]*\nClients[^]*\nMeasures\n/);
      assert.equal(await page.locator("#rounds").innerText(), "");
      assert.equal(await page.locator(".at-narrow").first().isVisible(), false);
    });

    it("has nothing serious for axe-core, and is nowhere too wide: light, dark and phone", async () => {
      const [{ clients }] = (await readRounds(run)) as [Round];
      for (const options of [{}, { dark: true }, { width: 390, height: 844 }]) {
        const { page, complaints } = await openReport(run, options);
        await chooseClient(page, clients[0]?.clientId ?? "");
        await page.evaluate(
          "for (const one of document.querySelectorAll('details')) one.open = true",
        );
        // Dark pages differ in their colours only.
        const rules = "dark" in options ? ["color-contrast"] : undefined;
        assert.deepEqual(await seriousFindings(page, rules), [], JSON.stringify(options));
        assert.deepEqual(complaints, []);
        const wide = await page.evaluate<number>(
          "document.documentElement.scrollWidth - innerWidth",
        );
        assert.ok(wide <= 0, `${wide} pixels too wide`);
        await page.context().close();
      }
    });

    it("is nowhere too wide for names of the largest size, and refuses larger ones", async () => {
      const copy = join(await temporaryFolder(), "copy");
      await cp(run, copy, { recursive: true });
      const all = (await readRounds(run)).flatMap(({ clients }) => clients);
      let id = (all.find(({ verdict }) => verdict !== "benign") ?? all[0])?.clientId ?? "";
      const rename = async (name: string) => {
        const records = (await readFile(join(copy, "records.jsonl"), "utf8")).split("\n");
        for (const [i, record] of records.entries())
          if (record.includes(`"${id}"`))
            await forgeRecord(copy, i + 1, () => record.replaceAll(`"${id}"`, `"${name}"`));
        const forged = await readFile(join(copy, "records.jsonl"), "utf8");
        assert.ok(forged.includes(`"${name}"`), id);
        id = name;
        return await fedclair(["report", copy]);
      };
      assert.equal((await rename("W".repeat(128))).code, 0);
      for (const width of [390, 1440]) {
        const { page } = await openReport(copy, { width, height: 844 });
        const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.equal(wide, 0);
        await page.context().close();
      }
      const { code, stderr } = await rename("W".repeat(8192));
      assert.equal(code, 2);
      assert.match(stderr, /records\.jsonl:1: expected what a run writes about a round, got /);
      assert.ok(stderr.length < 500, stderr);
    });

    it("names the mark under the pointer and under the arrow keys, and hides a line", async () => {
      const { page } = await openReport(run);
      const figure = page.locator("section", { hasText: "Scores against the threshold" }).first();
      const drawing = figure.locator(".at-wide");
      await drawing.focus();
      await page.keyboard.press("ArrowRight");
      const about = /^c\d\d, round [123]: score [\d.,]+, /;
      assert.match(await drawing.locator(".tip").innerText(), about);
      await page.keyboard.press("Escape");
      const mark = drawing.locator(".mark-symbol path[data-about]").first();
      await mark.hover({ force: true });
      assert.match(await drawing.locator(".tip").innerText(), about);
      const shown = () => page.locator('.at-wide [data-series="fedavg"]:visible').count();
      const before = await shown();
      const entry = page.getByRole("button", { name: "fedavg", exact: true }).first();
      await entry.click();
      assert.ok((await shown()) < before, `${before} marks of fedavg`);
      assert.equal(await entry.getAttribute("aria-pressed"), "false");
    });

    it("leads from its answer to the evidence, and has an address for a client in a round", async () => {
      const { page } = await openReport(run);
      await page.getByText("In words: who, by how much").click();
      const name = page.locator(".answer a[href^='#client-']").first();
      const client = await name.innerText();
      await name.click();
      await page.locator(".client h3").filter({ hasText: client }).waitFor();
      await page.locator("#rounds input[type=range]").fill("0");
      assert.equal(new URL(page.url()).hash, `#client-${client}-round-1`);
      await page.reload();
      await page.locator(".slider").filter({ hasText: "Round 1 of 3" }).waitFor();
      await page.locator(".client h3").filter({ hasText: client }).waitFor();
      const links = page.locator(".contents a");
      assert.ok((await links.count()) > 5);
      for (const link of await links.all()) {
        const hash = (await link.getAttribute("href")) ?? "";
        assert.equal(await page.locator(`section${hash} h2`).count(), 1, hash);
      }
      await page.goto(`${addressOf(run)}#client-c99`);
      await page.getByText("There is no client c99").waitFor();
    });

    it("sorts and filters its tables", async () => {
      const { page } = await openReport(run);
      const section = page
        .locator("section")
        .filter({ has: page.locator("h2", { hasText: "Clients" }) });
      const column = await section
        .locator("th")
        .evaluateAll((heads) => heads.findIndex(({ textContent }) => textContent === "score"));
      const scores = async () =>
        (await section.locator(`tbody td:nth-child(${column + 1})`).allTextContents())
          .filter((text) => text !== "–")
          .map((text) => Number(text.replaceAll(",", "")));
      await section.getByRole("button", { name: "score", exact: true }).click();
      const descending = await scores();
      assert.deepEqual(
        descending,
        descending.toSorted((a, b) => b - a),
      );
      await section.getByRole("button", { name: "score", exact: true }).click();
      assert.deepEqual(await scores(), descending.toReversed());
      const filter = page.getByLabel("Filter: Measures");
      await filter.fill("recall");
      const rows = await page
        .locator("section")
        .filter({ has: page.locator("h2", { hasText: "Measures" }) })
        .locator("tbody tr:visible")
        .allInnerTexts();
      assert.ok(rows.length > 0 && rows.every((row) => /recall/i.test(row)), rows.join("\n"));
    });

    it("says which command computes what the result would be without a client", async () => {
      const first = join(documented.folder, "runs/first");
      const { page } = await openReport(first);
      await chooseClient(page, "c04");
      const command = await page.locator(".client code").innerText();
      assert.equal(command, "fedclair replay ../first --without c04 --from 4");
    });

    it("shows a client's name as text, and runs only its own script; so does the live page", async () => {
      const texts = join(await temporaryFolder(), "texts");
      await mkdir(texts);
      const hostile = "<img src=x onerror=window.hit=1>";
      const words = "the quick brown fox jumps over the lazy dog and runs away ".repeat(40);
      for (const name of [hostile, "b", "c", "d"])
        await writeFile(join(texts, `${name}.txt`), `${words}${name}`);
      const out = join(await temporaryFolder(), "run");
      const set = [`task.source.folder=${texts}`, "clients=4", "task.localSteps=1"];
      const args = ["--transport", "memory", "--out", out, ...set.flatMap((one) => ["--set", one])];
      const { code, stderr } = await fedclair(["run", fixture("texts"), ...args]);
      assert.equal(code, 0, stderr);
      const { page, complaints } = await openReport(out);
      await chooseClient(page, "c00");
      assert.match(await page.locator(".client h3").innerText(), /<img src=x/);
      assert.equal(await page.locator("img").count(), 0);
      assert.deepEqual(complaints, []);
      const file = join(out, "report.html");
      const changed = (await readFile(file, "utf8")).replace(
        "</main>",
        "<script>window.hit = 1</script></main>",
      );
      await writeFile(file, changed.replace(/<meta http-equiv[^>]*>/, ""));
      const url = await start(["view", out, "--no-open"]).waitForOutput(/page of .*: (http\S+)/);
      const served = await openPage(`${url}/report/report.html`);
      await served.page.locator("#rounds input[type=range]").waitFor();
      const live = await openPage(url);
      await live.page.getByRole("button", { name: "table" }).click();
      await live.page.getByRole("link", { name: `c00 ${hostile}`, exact: true }).click();
      await live.page.getByRole("dialog").getByText(hostile).waitFor();
      assert.equal(await live.page.locator("main img").count(), 0);
      assert.deepEqual(live.complaints, []);
      const hit = "globalThis.hit";
      for (const one of [page, served.page, live.page])
        assert.equal(await one.evaluate(hit), undefined);
    });

    it("plays the agents' way over the bridge, and ends with the figure as it was", async () => {
      const out = join(await temporaryFolder(), "run");
      const few = ["clients=3", "attacks=[]", "aggregator={ name: fedavg }"];
      const set = [...few, "rounds=2", "task.sweeps=2", "baselines=[]"].flatMap((one) => [
        "--set",
        one,
      ]);
      const args = ["libs/methods/alberdice/trials/bridge-reverse.yaml", ...set];
      const { code, stderr } = await fedclair([
        "run",
        ...args,
        "--transport",
        "memory",
        "--out",
        out,
      ]);
      assert.equal(code, 0, stderr);
      const { page, complaints } = await openPage(addressOf(out));
      const figure = page.locator("figure[data-moves=step]");
      const drawing = figure.locator(".at-wide svg");
      const arrivals = drawing.locator("[class*=arrival] text").first();
      const dots = drawing.locator("circle.mover:visible");
      const slider = figure.locator("input[type=range]");
      assert.equal(await dots.count(), 0);
      assert.ok(await arrivals.isVisible());
      const lines = await drawing.locator("[class*=moving] path[d^=M]").all();
      const paths = await Promise.all(lines.map((line) => line.getAttribute("d")));
      const ways = paths
        .map((path) => [...(path ?? "").matchAll(/(-?[\d.]+),(-?[\d.]+)/g)])
        .filter(({ length }) => length > 1)
        .map((points) => points.map(([, x, y]) => [Number(x), Number(y)]));
      assert.equal(ways.length, 2, "one for each agent");
      for (const step of [0, 1]) {
        await slider.fill(String(step));
        assert.equal(await arrivals.isVisible(), false);
        const places = await Promise.all(
          (await dots.all()).map(async (dot) => [
            Number(await dot.getAttribute("cx")),
            Number(await dot.getAttribute("cy")),
          ]),
        );
        for (const [i, place] of places.entries())
          for (const [axis, value] of place.entries())
            assert.ok(Math.abs(value - (ways[i]?.[step]?.[axis] ?? NaN)) < 0.06, `agent ${i}`);
        assert.equal(places.length, 2);
      }
      const play = figure.locator(".player button");
      await page.clock.install();
      await play.click();
      await play.filter({ hasText: "Pause" }).waitFor();
      await page.clock.runFor(100);
      assert.equal(await dots.count(), 2);
      await page.clock.fastForward(60_000);
      await play.filter({ hasText: "Play" }).waitFor();
      assert.equal(await dots.count(), 0);
      assert.ok(await arrivals.isVisible());
      assert.equal(Number(await slider.inputValue()), (ways[0]?.length ?? 0) - 1);
      assert.deepEqual([...complaints, ...(await seriousFindings(page))], []);
    });

    it("shows digits that clients hold, in a picture of its own", async () => {
      const out = join(await temporaryFolder(), "run");
      const args = ["run", fixture("digits"), "--transport", "memory", "--out", out];
      const { code, stderr } = await fedclair([...args, "--set", "rounds=1"]);
      assert.equal(code, 0, stderr);
      for (const options of [{}, { width: 390, height: 844, scripts: false }]) {
        const { page, complaints } = await openPage(addressOf(out), options);
        const strips = page.locator("section", { hasText: "Digits that clients hold" });
        const images = strips.locator("svg image:visible");
        assert.ok((await images.count()) > 1);
        const box = await images.first().boundingBox();
        assert.equal(box?.height, 28);
        assert.match((await images.first().getAttribute("xlink:href")) ?? "", /^data:image\/png/);
        assert.deepEqual(complaints, []);
      }
      assert.ok((await stat(join(out, "report.html"))).size < 1e6);
    });

    // `npm run test:browser` measures 100 rounds with their limits, which takes half a minute.
    it("opens 1,000 clients over 25 rounds, with all evidence, from at most 5 MB", async () => {
      const script = join(workspace, "studies/speed/report-speed.js");
      const args = [script, "--rounds", "25", "--no-limits"];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const measured = JSON.parse(stdout) as Record<string, number>;
      assert.ok(Number(measured["bytes"]) < 5e6, stdout);
      assert.equal(measured["roundsInPage"], 25, stdout);
      assert.equal(measured["roundsWithEvidence"], 25, stdout);
    });
  });
});
