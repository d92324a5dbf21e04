import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCodes } from "@fedclair/core/internal";
import type { Page } from "playwright-core";
import { openPage, seriousFindings, type OpenedPage } from "./support/browser.js";
import { runSmall } from "./support/command.js";
import { listDocumentedCommands } from "./support/documented-commands.js";
import {
  listFailures,
  readRecords,
  readResultBytes,
  startCoordinator,
  startHost,
} from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";
import { installPython, startPythonHost } from "./support/python.js";

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

async function waitForStage(page: Page, stage: string): Promise<void> {
  await page.locator(".status", { hasText: stage }).waitFor();
}

describe("a tab in a browser", function () {
  this.timeout(120_000);
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
    other.coordinator.kill("SIGINT", "group");
  });

  it("finishes a trial with another tab, a Node.js host and a Python host, also when one is closed", async () => {
    const out = join(await temporaryFolder(), "run");
    const external = hasPython ? ["--set", "external=[c10,c11]"] : [];
    const { coordinator, url } = await startCoordinator([
      ...[fixture("long"), "--join-page", "--no-report", "--out", out, ...external],
      ...["--set", "clients=12", "--set", "rounds=15"],
    ]);
    const [closed, stays] = [await openTab(url, 4), await openTab(url, 4)];
    const host = startHost(url, 8);
    const python = ["linear:make_client", "--coordinator", url, "--capacity", "2"];
    if (hasPython) await startPythonHost("apps/client-python/examples", python);
    await coordinator.waitForOutput(/round 2:/);
    await closed.page.locator("#rounds").waitFor();
    await closed.page.close();
    const { code, stderr } = await coordinator.ended;
    // 0 if the tab had just answered everything
    assert.ok([0, exitCodes.lost].includes(Number(code)), stderr);
    await waitForStage(stays.page, "ended");
    assert.equal((await host.ended).code, 0);
    const records = await readRecords(out);
    assert.equal(records.length, 15);
    const failures = records.map(listFailures).filter((list) => list.length > 0);
    assert.ok(failures.length <= 1, JSON.stringify(failures));
    const lost = failures.flat();
    assert.ok(lost.length <= 4 && lost.every((one) => one.endsWith("HOST_LOST")), lost.join(", "));
    assert.deepEqual(stays.complaints, []);
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
    await look(await openPage(`${url}/`));
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
