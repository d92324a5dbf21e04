import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { openPage, seriousFindings } from "./support/browser.js";
import { fedclair, runSmall, start, type Command } from "./support/command.js";
import { freePort } from "./support/free-port.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";
import { createGrid } from "./support/sweeps.js";

/** Starts `fedclair view` and waits for its address. */
async function view(
  folder: string,
  ...args: readonly string[]
): Promise<{ command: Command; url: string }> {
  const command = start(["view", folder, "--no-open", ...args]);
  return { command, url: await command.waitForOutput(/page of .*: (http\S+)/) };
}

describe("the live page in a browser", () => {
  requirePrograms("chromium");
  let done: string;
  before(async () => {
    done = await runSmall("text-copy");
  });

  it("follows a trial over sockets, and ends with the sentence of the terminal and a report", async () => {
    const out = join(await temporaryFolder(), "run");
    // A fast machine ends two rounds while Chromium starts, and the page never says "running".
    await openPage("about:blank");
    const set = ["--set", "rounds=30", "--out", out];
    const command = start(["run", fixture("text-copy"), "--hosts", "2", "--open", ...set]);
    const url = await command.waitForOutput(/page of .*: (http\S+)/);
    const { page, complaints } = await openPage(url);
    await page.locator(".status.running").waitFor();
    await page.locator(".map").waitFor();
    await page.locator(".status.done").waitFor();
    await command.waitForOutput(/the page stays open until Ctrl-C/);
    assert.match(await page.locator("#hosts").innerText(), /host 1 \(127\.0\.0\.1\)[^]*host 2 /);
    await page.getByText("In words", { exact: true }).click();
    const shown = await page.locator("#overview [aria-live]").innerText();
    const [head = "", words = ""] = shown.split(/\n+In words\n+/);
    const [card, clauses] = [head.replaceAll(/\n+/g, "\n"), words.split(/\n+/)];
    assert.deepEqual(complaints, []);
    await page.locator("a", { hasText: "Open the report" }).click();
    await page.locator(".verdict").waitFor();
    command.kill("SIGINT", "group");
    const { code, stdout, stderr } = await command.ended;
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(`\n${card}\n${clauses.join("; ")}\n`), `${shown}\n${stdout}`);
  });

  it("shows everything after the server was away, without a round twice", async () => {
    const folder = join(await temporaryFolder(), "runs");
    const run = join(folder, "run");
    await mkdir(run, { recursive: true });
    for (const file of ["run.json", "trial.yaml", "timings.jsonl"])
      await cp(join(done, file), join(run, file));
    const records = await readFile(join(done, "records.jsonl"), "utf8");
    const [first = ""] = records.split("\n");
    await writeFile(join(run, "records.jsonl"), `${first}\n`);
    const port = await freePort();
    const before = await view(folder, "--listen", `127.0.0.1:${port}`);
    const { page } = await openPage(`${before.url}/#/run/run`);
    await page.locator('.map[aria-label*=" by 1 rounds"]').waitFor();
    before.command.kill("SIGKILL", "group");
    await page.getByRole("alert").filter({ hasText: "No connection since" }).waitFor();
    await writeFile(join(run, "records.jsonl"), records);
    await view(folder, "--listen", `127.0.0.1:${port}`);
    await page.locator('.map[aria-label*=" by 2 rounds"]').waitFor();
    assert.equal(await page.getByText("No connection since").count(), 0);
    const late = await openPage(`${before.url}/#/run/run`);
    await late.page.locator('.map[aria-label*=" by 2 rounds"]').waitFor();
  });

  it("reports a coordinator that was killed", async () => {
    const out = join(await temporaryFolder(), "run");
    const set = ["--set", "rounds=500", "--out", out];
    const how = ["--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"];
    const coordinator = start(["coordinator", fixture("text-copy"), ...set, ...how], {
      env: { FEDCLAIR_LOG: "info" },
    });
    const url = await coordinator.waitForOutput(/page of .*: (http\S+)/);
    const joining = await coordinator.waitForOutput(/listening on (http:[^"\s]+)/);
    start(["client", "--coordinator", joining, "--capacity", "8"]);
    const { page } = await openPage(url);
    await page.locator(".map").waitFor();
    const { pid } = JSON.parse(await readFile(join(out, "lock"), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    const alert = page.getByRole("alert").filter({ hasText: "The coordinator is gone" });
    await alert.waitFor({ timeout: 90_000 });
    await page.locator(".status.interrupted").waitFor();
  });

  it("has nothing serious for axe-core: light, dark, phone, list, table, client and comparison", async () => {
    await cp(done, join(done, "../other"), { recursive: true });
    const token = join(await temporaryFolder(), "token");
    await writeFile(token, "a-token-for-replays");
    const { url } = await view(join(done, ".."), "--replay-token-file", token);
    const findings: string[] = [];
    const look = async (
      hash: string,
      ready: string,
      options = {},
      act?: (page: Page) => Promise<void>,
    ) => {
      const { page, complaints } = await openPage(`${url}/${hash}`, options);
      await page.locator(ready).first().waitFor();
      await act?.(page);
      // Dark pages differ in their colours only.
      const rules = "dark" in options ? ["color-contrast"] : undefined;
      const found = await seriousFindings(page, rules);
      findings.push(...found.map((one) => `${hash} ${one}`), ...complaints);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert.ok(wide <= 0, `${hash} is ${wide} pixels too wide`);
      await page.context().close();
    };
    const phone = { width: 390, height: 844 };
    await look("#/", ".list table");
    await look("#/run/run", ".map");
    await look("#/run/run", ".map", { dark: true });
    await look("#/run/run", ".map", phone);
    await look("#/run/run", ".map", phone, async (page) => {
      await page.getByRole("button", { name: "table" }).click();
      await page.locator("#clients tbody a").first().click();
      await page.getByRole("dialog").locator(".score").waitFor();
    });
    await look("#/run/run/client/c03?round=2", "[type=password]", {}, async (page) => {
      await page.getByLabel("token for replays").fill("a-token-for-replays");
      await page.getByRole("button", { name: "Leave it out from round 2 on" }).click();
      await page.getByText(/Without it from round 2 on, .* after round 2 is /).waitFor();
    });
    await look("compare?run=run&run=other", "#measures table");
    assert.deepEqual(findings, []);
  });

  describe("with sweeps", () => {
    let folder: string;
    before(async () => {
      folder = await temporaryFolder();
      const file = join(folder, "grid.yaml");
      // One aggregator, so that there are two studies in each.
      await writeFile(
        file,
        createGrid([1, 2], 1).replace(/^aggregator: .*/m, "aggregator: { name: clair, rank: 3 }"),
      );
      for (const [name, set] of [
        ["sweep", "clients=12"],
        ["larger", "clients=14"],
      ] as const) {
        const out = join(folder, name);
        const ran = await fedclair(["sweep", file, "--set", set, "--jobs", "2", "--out", out]);
        assert.equal(ran.code, 0, ran.stderr);
      }
    });

    it("begins the page of a sweep with what matters most", async () => {
      const { url } = await view(folder);
      const { page, complaints } = await openPage(`${url}/#/list/sweep`);
      await page.locator(".heat table").first().waitFor();
      const [attacks = "", best = ""] = await page.locator(".highlights dd").allInnerTexts();
      assert.equal(attacks, "clair: none of 1 does harm unflagged, as far as the seeds show.");
      const runs = page.locator("main > details", { hasText: "Tick two to 6 rows" });
      assert.equal(await runs.locator("table").isVisible(), false);
      await runs.locator("summary").click();
      await runs.locator("table").waitFor({ timeout: 9000 });
      assert.match(best, /^error, .*: [\w, ]+ with [\d.]+ ± [\d.]+ \(2\)/);
      assert.deepEqual(await seriousFindings(page), []);
      assert.deepEqual(complaints, []);
    });

    it("leads from the report of a sweep to a run that has none", async () => {
      const { url } = await view(folder);
      const { page, complaints } = await openPage(`${url}/report/sweep/report.html`);
      const row = page.locator("#runs tbody tr").first();
      const cells = await row.locator("td").allInnerTexts();
      const run = cells.at(-1) ?? "";
      const text = await readFile(join(folder, "sweep", run, "summary.json"), "utf8");
      const { measures } = JSON.parse(text) as { measures: Record<string, number> };
      const value = measures["error.ratioTo.local"] ?? NaN;
      assert.equal(Number(cells.at(-2)), Number(value.toFixed(3)));
      await row.locator("a").click();
      await page.locator(".map").waitFor();
      assert.equal(new URL(page.url()).hash, `#/run/sweep/${run}`);
      assert.deepEqual(complaints, []);
    });

    it("compares sweeps over seeds: light, dark and phone", async () => {
      const { url } = await view(folder);
      for (const options of [{}, { dark: true }, { width: 390, height: 844 }]) {
        const { page, complaints } = await openPage(url, options);
        for (const name of ["sweep", "larger"]) await page.getByLabel(`compare ${name}`).check();
        await page.getByRole("link", { name: "Compare 2" }).click();
        await page.locator("#measures thead").waitFor();
        const heads = await page.locator("#measures thead th").allInnerTexts();
        assert.equal(heads.length, 5, heads.join());
        const row = page.locator("#measures tr", {
          has: page.getByRole("rowheader", { name: "error", exact: true }),
        });
        assert.match(await row.locator("td").first().innerText(), /^[\d.]+ ± [\d.]+ \(2\)$/);
        const keys = await page.locator("#differences tbody th").allInnerTexts();
        assert.ok(keys.includes("clients") && !keys.includes("seed"), keys.join());
        // Dark pages differ in their colours only.
        const rules = "dark" in options ? ["color-contrast"] : undefined;
        assert.deepEqual(await seriousFindings(page, rules), []);
        assert.deepEqual(complaints, []);
        const wide = await page.evaluate<number>(
          "document.documentElement.scrollWidth - innerWidth",
        );
        assert.ok(wide <= 0, `${wide} pixels too wide`);
        await page.context().close();
      }
    });
  });

  it("is read by keyboard: cells, clients and Escape", async () => {
    const { url } = await view(done);
    const { page } = await openPage(url);
    await page.locator(".map").focus();
    await page.keyboard.press("ArrowDown");
    const readout = page.locator(".readout");
    await readout.filter({ hasText: /^c\d\d, round 2: / }).waitFor();
    await page.keyboard.press("Home");
    await readout.filter({ hasText: /, round 1: / }).waitFor();
    // Verdicts decide which client comes first, and a round may be without it.
    while ((await readout.innerText()).includes("not in this round"))
      await page.keyboard.press("ArrowDown");
    const [client = ""] = (await readout.innerText()).split(",");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: `Client ${client}` });
    await dialog.getByText(/^Round 1 of \d+$/).waitFor();
    assert.equal(new URL(page.url()).hash, `#/run/client/${client}?round=1`);
    await page.goBack();
    await page.locator(".map").waitFor();
    assert.equal(await dialog.count(), 0, "Back stays in the run");
    await page.goForward();
    await dialog.waitFor();
    await page.locator('[role="dialog"]:focus-within').waitFor(); // now it has the keys
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.locator(".map").focus();
    await page.keyboard.press("End");
    // The rows are in the order of the last scores, which may have changed since.
    const [pinned = ""] = (await readout.innerText()).split(",");
    await page.keyboard.press("p");
    await page.getByRole("button", { name: "table" }).click();
    await page.getByRole("button", { name: `pin ${pinned}`, pressed: true }).waitFor();
  });

  it("opens 1,000 clients, and scrolls through them within its memory", async () => {
    const script = join(workspace, "studies/speed/page-speed.js");
    const args = [script, "--rounds", "30", "--no-limits"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { megabytes, framesPerSecond } = JSON.parse(stdout) as Record<string, number>;
    assert.ok(Number(megabytes) < 150, stdout);
    assert.ok(Number(framesPerSecond) > 0, stdout);
  });
});
