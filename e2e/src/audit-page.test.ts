import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openPage, seriousFindings } from "./support/browser.js";
import { fedclair } from "./support/command.js";
import { workspace } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";
import { serveSite } from "./support/serve-site.js";

const pile = join(workspace, "libs/audit/fixtures/adapters/presidents");

/** Without what a browser cannot know: where a file lies, and to the second when it was written. */
function withoutPlaces(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) =>
    key === "folder" || key === "modified" ? undefined : value,
  );
}

describe("the page that audits dropped folders, in a browser", () => {
  requirePrograms("chromium");

  it("has the numbers of the command and its report, offline as well, and connects to nothing", async () => {
    const site = await serveSite("", join(workspace, "apps/client-browser/dist/site/audit"));
    const [{ page, complaints }, { code, stdout, stderr }] = await Promise.all([
      openPage(`${site}/fedclair/index.html`),
      fedclair(["audit", pile, "--json"]),
    ]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await seriousFindings(page), []);
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
    await page.context().setOffline(true);
    await page.reload();
    await page.locator('input[type="file"]').setInputFiles(pile);
    const json = page.getByRole("link", { name: "audit.json" });
    await json.waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), json.click()]);
    const inTab = await readFile(await download.path(), "utf8");
    assert.deepEqual(withoutPlaces(inTab), withoutPlaces(stdout));
    const report = page.frameLocator("iframe");
    await report.getByText("What to do next").waitFor();
    await report.getByRole("heading", { name: "Scores against the threshold" }).waitFor();
    await page.locator('input[type="file"]').setInputFiles(join(workspace, "proto"));
    await page.getByText("no adapter in 'proto': neither it nor a folder in it").waitFor();
    assert.deepEqual(complaints, []);
    const connected = await page.evaluate("fetch(location.href).then(() => true, () => false)");
    assert.equal(connected, false);
  });
});
