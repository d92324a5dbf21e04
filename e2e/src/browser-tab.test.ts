import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { exitCodes } from "@fedclair/core/internal";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { openPage, seriousFindings, type OpenedPage } from "./support/browser.js";
import { startBrowserWithTabs } from "./support/browser-tabs.js";
import { fedclair, runSmall } from "./support/command.js";
import { listDocumentedCommands } from "./support/documented-commands.js";
import {
  listFailures,
  readRecords,
  readResultBytes,
  startCoordinator,
  startHost,
} from "./support/federation.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";
import { installPython, startPythonHost } from "./support/python.js";
import { serveSite } from "./support/serve-site.js";

const token = "a-token-for-tabs";

/** Opens the page of a coordinator, and presses the button. */
async function openTab(
  url: string,
  clients: number,
  { secret = "", ...view }: { secret?: string } & Parameters<typeof openPage>[1] = {},
): Promise<OpenedPage> {
  const opened = await openPage(`${url}/#token=${secret}&clients=${clients}`, view);
  await opened.page.getByRole("button", { name: "Join" }).click();
  return opened;
}

/** Drops a file on the page, and waits until it is chosen. @param shown its name on the page */
async function drop(page: Page, name: string, content: string, shown = name): Promise<void> {
  await page.evaluate(`(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([${JSON.stringify(content)}], ${JSON.stringify(name)}));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
  })()`);
  await chosenData(page, shown).waitFor();
}

function chosenData(page: Page, text: string | RegExp) {
  const chosen = page.locator("#join .data", { hasText: "This tab will be one client" });
  return chosen.filter({ hasText: text });
}

/** Presses the button when the page shows what was chosen. */
async function joinWithChosen(page: Page, text: string): Promise<void> {
  await chosenData(page, text).waitFor();
  await page.getByRole("button", { name: "Join" }).click();
}

/** Trains a trial of one client in memory, with these changes. */
async function runAlone(trial: string, out: string, ...changes: readonly string[]): Promise<void> {
  const how = ["--transport", "memory", "--no-report", "--out", out];
  const { code, stderr } = await fedclair(["run", trial, ...changes, ...how]);
  assert.equal(code, 0, stderr);
}

async function waitForStage(page: Page, stage: string): Promise<void> {
  await page.locator(".status", { hasText: stage }).waitFor();
}

describe("a tab in a browser", function () {
  requirePrograms("chromium");
  let hasPython = false;
  before(async function () {
    this.timeout(900_000); // includes the installation
    hasPython = (await installPython()) !== undefined;
  });

  for (const trial of ["linear-regression", "digits", "text-copy"]) {
    it(`trains ${trial} to the same bytes as Node.js`, async () => {
      const out = join(await temporaryFolder(), "run");
      const [{ coordinator, url }, alone] = await Promise.all([
        startCoordinator([fixture(trial), "--join-page", "--no-report", "--out", out]),
        runSmall(trial),
      ]);
      const { page, complaints } = await openTab(url, 10);
      await waitForStage(page, "ended");
      const { code, stderr } = await coordinator.ended;
      assert.equal(code, 0, stderr);
      assert.match(
        await page.locator("#join").innerText(),
        /The trial is over\.[^]*\s\d+ jobs in /,
      );
      assert.deepEqual(await readResultBytes(out), await readResultBytes(alone));
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }

  it("is a host in the page of docs/browser.md, on a site of its own", async () => {
    const document = await readFile(join(workspace, "docs/browser.md"), "utf8");
    const [, text = ""] = /```html\n([^]*?)```/.exec(document) ?? [];
    const site = await serveSite(text, join(workspace, "apps/coordinator/dist/join-page"));
    const out = join(await temporaryFolder(), "run");
    const options = ["--join-page", site, "--no-report", "--out", out];
    const [{ coordinator, url }, alone] = await Promise.all([
      startCoordinator([fixture("linear-regression"), ...options]),
      runSmall("linear-regression"),
    ]);
    const { page, complaints } = await openPage(`${site}/?coordinator=${url}`);
    await page.getByRole("button", { name: "Take part" }).click();
    await page.getByRole("status").filter({ hasText: "over: the trial is over" }).waitFor();
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readResultBytes(out), await readResultBytes(alone));
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  it("trains on a dropped table to the bytes of Node.js, and shows what is wrong with another", async () => {
    const folder = await temporaryFolder();
    const rows = (slope: number) =>
      Array.from({ length: 20 }, (_, i) => [i % 5, i % 3, slope * (i % 5) + (i % 7)].join());
    const [theirs, mine] = [1, -2].map((slope) => ["u,v,y", ...rows(slope)].join("\n"));
    const file = (name: string) => join(folder, name);
    const trial = {
      name: "own-table",
      claim: "A tab trains on its own table.\u202e",
      seed: 1,
      rounds: 2,
      task: {
        name: "table",
        source: { file: "theirs.csv", columns: { outputs: "y" } },
      },
      clients: 1,
      aggregator: { name: "fedavg" },
    };
    await writeFile(file("trial.yaml"), JSON.stringify(trial));
    await writeFile(file("theirs.csv"), theirs ?? "");
    await writeFile(file("mine.csv"), mine ?? "");
    const [{ coordinator, url }] = await Promise.all([
      startCoordinator([file("trial.yaml"), "--join-page", "--no-report", "--out", file("tab")]),
      runAlone(file("trial.yaml"), file("mine"), "--set", `task.source.file=${file("mine.csv")}`),
      runAlone(file("trial.yaml"), file("theirs")),
    ]);
    const { page, complaints } = await openTab(url, 4);
    const notice = (text: RegExp) => page.getByRole("alert").filter({ hasText: text }).waitFor();
    await notice(/choose a CSV file with the columns y \(to predict\)/);
    const wide = Array.from({ length: 30 }, (_, i) => `${"w".repeat(60)}${i}`).join();
    const cells = ",2".repeat(31);
    const content = `u,v,${wide}\u202e,y\n1${cells},3\n<img src=y>${cells},3\n`;
    await drop(page, "my <img src=x>\u200b.csv", content, "my <img src=x>\\u{200b}.csv");
    await notice(
      /train on your data\. my <img src=x>\\u\{200b\}\.csv, line 3: column 'u': expected a number as in 1 other rows, got '<img src=y>'/,
    );
    assert.equal(await page.locator("img").count(), 0);
    assert.doesNotMatch(await page.locator("body").innerText(), /\p{Cf}/u);
    const isNarrow = "document.documentElement.scrollWidth <= innerWidth";
    assert.ok(await page.evaluate(isNarrow), "the page scrolls sideways");
    await page.getByRole("button", { name: "Remove" }).click();
    await drop(page, "mine.csv", mine ?? "");
    await chosenData(page, /rows\s*20\s*columns\s*3 \(u, v, y\)/).waitFor();
    await chosenData(page, /u\s*v\s*y\s*0\s*0\s*0\s*1\s*1/).waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    await waitForStage(page, "ended");
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, 0, stderr);
    assert.match(
      await page.locator("#join").innerText(),
      /The trial is over\.[^]*Your data: mine\.csv\s+rows\s+20\s+columns\s+3 \(u, v, y\)/,
    );
    const bytes = await readResultBytes(file("tab"));
    assert.deepEqual(bytes, await readResultBytes(file("mine")));
    assert.notEqual(bytes.params, (await readResultBytes(file("theirs"))).params);
    for (const text of ["mine.csv", "img"]) assert.ok(!stderr.includes(text), stderr);
    assert.deepEqual(complaints, []);
  });

  it("trains on a folder of images and on a text to the bytes of Node.js, and shows what it read", async () => {
    const folder = await temporaryFolder();
    const file = (name: string) => join(folder, name);
    const write = async (name: string, content: string | Uint8Array) => {
      await mkdir(dirname(file(name)), { recursive: true });
      await writeFile(file(name), content);
    };
    for (const [owner, step] of [
      ["theirs", 1],
      ["mine", 7],
    ] as const) {
      await write(`${owner}-text/a.txt`, "Call me Ishmael. Some years ago. ".repeat(step));
      for (let i = 0; i < 20; i++) {
        const data = Uint8Array.from({ length: 9 }, (_, k) => (step * i + 40 * k) % 256);
        const png = encode({ width: 3, height: 3, channels: 1, data });
        await write(`${owner}/${i % 2 === 0 ? "ring" : "cross"}/${i}.png`, png);
      }
    }
    const partition = { by: "iid" };
    const quick = { sequences: 4, localSteps: 1, evaluationSequences: 4 };
    const cases = [
      [
        "digits",
        { source: { folder: "theirs", classes: ["ring", "cross"] } },
        "mine",
        /Your data: mine\s+images\s+20\s+size\s+3×3 pixels, grey\s[^]*ring\s+10\s+cross\s+10\s/,
      ],
      [
        "text-copy",
        { source: { folder: "theirs-text" }, ...quick },
        "mine-text",
        /Your data: mine-text\/a\.txt\s+texts\s+1\s+usable characters\s+230\s/,
      ],
    ] as const;
    const check = async ([name, options, chosen, facts]: (typeof cases)[number]) => {
      const trial = file(`${name}.yaml`);
      const content = {
        name,
        claim: "A tab trains on data of its own.",
        seed: 1,
        rounds: 1,
        task: { name, ...options, partition },
        clients: 1,
        aggregator: { name: "fedavg" },
      };
      await writeFile(trial, JSON.stringify(content));
      const out = file(`tab-${name}`);
      const [{ coordinator, url }] = await Promise.all([
        startCoordinator([trial, "--join-page", "--no-report", "--out", out]),
        runAlone(trial, file(name), "--set", `task.source.folder=${file(chosen)}`),
      ]);
      const { page, complaints } = await openPage(`${url}/`);
      await page.locator("input[name=folder]").setInputFiles(file(chosen));
      await joinWithChosen(page, chosen);
      await waitForStage(page, "ended");
      const { code, stderr } = await coordinator.ended;
      assert.equal(code, 0, stderr);
      assert.match(await page.locator("#join").innerText(), facts);
      assert.deepEqual(await readResultBytes(out), await readResultBytes(file(name)));
      assert.deepEqual([...complaints, ...(await seriousFindings(page))], []);
    };
    await Promise.all(cases.map(check));
  });

  it("says why it cannot take part, and keeps the token to itself", async () => {
    const args = ["--join-page", "--no-report", "--out", await temporaryFolder()];
    const env = { FEDCLAIR_TOKEN: token, FEDCLAIR_LOG: "debug" };
    const { coordinator, url } = await startCoordinator([fixture("linear-regression"), ...args], {
      env,
    });
    const { page } = await openPage(`${url}/`);
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`${url}/#token=wrong-${token}`);
    await page.reload();
    await page.getByLabel("Token").fill(`wrong-${token}`);
    await page.getByLabel("Token").press("Enter");
    const notice = page.getByRole("alert");
    await notice.filter({ hasText: "The token is not the coordinator's" }).waitFor();
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Join" }).click();
    await waitForStage(page, "joined");
    await page.getByRole("button", { name: "Leave" }).press("Enter");
    await notice.or(page.getByRole("status")).filter({ hasText: "You have left" }).waitFor();
    coordinator.kill("SIGINT", "group");
    const { stderr } = await coordinator.ended;
    for (const text of [page.url(), stderr, ...requests]) assert.ok(!text.includes(token), text);

    const other = await startCoordinator(["trials/network/few-samples.yaml", ...args.slice(0, 2)]);
    const unfit = await openTab(other.url, 4);
    await unfit.page
      .getByRole("alert")
      .filter({ hasText: /task of this trial is network, and a browser tab can train digits/ })
      .waitFor();
    await unfit.page.locator(".status.failed").waitFor();
    other.coordinator.kill("SIGINT", "group");
  });

  it("takes over the clients of a tab that leaves", async () => {
    const out = join(await temporaryFolder(), "run");
    const length = ["--set", "clients=8", "--set", "rounds=6", "--no-report", "--out", out];
    const { coordinator, url } = await startCoordinator([
      ...[fixture("long"), "--join-page", ...length],
    ]);
    const open = async () => {
      const { page } = await openPage(url);
      await page.getByRole("heading", { name: "Join long" }).waitFor();
      await page.getByRole("button", { name: "Join" }).click();
      await waitForStage(page, "joined");
      return page;
    };
    const [leaves] = [await open(), await open()];
    await coordinator.waitForOutput(/round 2:/);
    assert.match(await leaves.locator("#now").innerText(), /\bupdates\s*[1-9]/);
    await leaves.getByRole("button", { name: "Leave" }).click();
    const { code, stderr } = await coordinator.ended;
    assert.ok([0, exitCodes.lost].includes(Number(code)), stderr);
    const failures = (await readRecords(out)).map(listFailures).filter(({ length }) => length > 0);
    assert.ok(failures.length <= 1, JSON.stringify(failures));
  });

  it("finishes a trial with another tab, a Node.js host and a Python host, also when one is closed", async () => {
    const out = join(await temporaryFolder(), "run");
    const external = hasPython ? ["--set", "external=[c10,c11]"] : [];
    const { coordinator, url } = await startCoordinator([
      ...[fixture("long"), "--join-page", "--no-report", "--out", out, ...external],
      ...["--set", "clients=12", "--set", "rounds=8"],
    ]);
    const [closed, stays] = [await openTab(url, 4), await openTab(url, 4)];
    const host = startHost(url, 8);
    const python = ["linear:make_client", "--coordinator", url, "--capacity", "2"];
    if (hasPython) await startPythonHost("apps/client-python/examples", python);
    await coordinator.waitForOutput(/round 2:/);
    await closed.page.locator("#rounds tbody tr").first().waitFor({ state: "attached" });
    await closed.page.close();
    const { code, stderr } = await coordinator.ended;
    // 0 if the tab had just answered everything
    assert.ok([0, exitCodes.lost].includes(Number(code)), stderr);
    await waitForStage(stays.page, "ended");
    await stays.page.getByText(/You contributed \d+ updates/).waitFor();
    assert.equal((await host.ended).code, 0);
    const records = await readRecords(out);
    assert.equal(records.length, 8);
    const failures = records.map(listFailures).filter((list) => list.length > 0);
    assert.ok(failures.length <= 1, JSON.stringify(failures));
    const lost = failures.flat();
    assert.ok(lost.length <= 4 && lost.every((one) => one.endsWith("HOST_LOST")), lost.join(", "));
    assert.deepEqual(stays.complaints, []);
  });

  it("goes on while it is hidden, also after the browser has frozen it", async () => {
    const out = join(await temporaryFolder(), "run");
    const { coordinator, url } = await startCoordinator([
      ...[fixture("long"), "--join-page", "--no-report", "--out", out],
      ...["--set", "clients=6", "--set", "rounds=60"],
    ]);
    const openInFront = await startBrowserWithTabs();
    const tab = await openInFront(`${url}/#clients=4`);
    // Asked from here: a hidden tab's own timers fire once a second.
    const until = async (condition: string) => {
      while ((await tab.evaluate(condition)) !== true) await setTimeout(20);
    };
    await until(
      "[...document.querySelectorAll('button')].some((one) => /Join/.test(one.innerText))",
    );
    await tab.evaluate(
      "[...document.querySelectorAll('button')].find((one) => /Join/.test(one.innerText)).click()",
    );
    await until(
      "[...document.querySelectorAll('button')].some((one) => /Leave/.test(one.innerText))",
    );
    const locks = "navigator.locks.query().then(({ held }) => held.length)";
    assert.equal(await tab.evaluate(locks), 1);
    await openInFront("about:blank");
    await until("document.visibilityState === 'hidden'");
    startHost(url, 6); // The trial begins now, with the tab hidden.
    const round =
      "Number(document.querySelector('#rounds tbody th, #rounds tbody td')?.textContent ?? 0)";
    await until(`${round} >= 2`);
    await tab.setFrozen(true);
    await tab.setFrozen(false);
    await until(`${round} >= 4`); // of 60: it was frozen in the middle
    const { code, stderr } = await coordinator.ended;
    assert.ok([0, exitCodes.lost].includes(Number(code)), stderr);
    await until("/The trial is over/.test(document.body.innerText)");
    assert.equal(await tab.evaluate(locks), 0);
    assert.equal(await tab.evaluate("document.visibilityState"), "hidden");
    const failures = (await readRecords(out)).map(listFailures).filter(({ length }) => length > 0);
    assert.ok(failures.length <= 1, JSON.stringify(failures));
  });

  it("is offered by the documented command, with nothing serious for axe-core", async () => {
    const [words = []] = listDocumentedCommands()
      .filter(({ document }) => document === "docs/browser.md")
      .map(({ words }) => words.slice(2));
    const [, trial = "", ...options] = words;
    const args = options.map((word) => (/:\d+$/.test(word) ? "127.0.0.1:0" : word));
    const out = ["--out", await temporaryFolder()];
    const { coordinator, url } = await startCoordinator([trial, ...args, ...out]);
    const findings: string[] = [];
    const look = async ({ page, complaints }: OpenedPage) => {
      findings.push(...(await seriousFindings(page)), ...complaints);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert.ok(wide <= 0, `${wide} pixels too wide`);
    };
    const form = await openPage(`${url}/`);
    await form.page.getByRole("heading", { name: "Join text-copy-synthetic" }).waitFor();
    assert.equal(await form.page.locator("input[name=clients]").inputValue(), "10");
    await look(form);
    const phone = await openTab(url, 2, { dark: true, width: 390, height: 844 });
    await waitForStage(phone.page, "joined");
    await look(phone);
    await phone.page.keyboard.press("Enter"); // the button Leave has the focus
    await waitForStage(phone.page, "ended");
    await look(phone);
    coordinator.kill("SIGINT", "group");
    await coordinator.ended;
    assert.deepEqual(findings, []);
  });
});
