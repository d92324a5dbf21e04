import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openPage, seriousFindings } from "./support/browser.js";
import { fedclair } from "./support/command.js";
import { listDocumentedCommands } from "./support/documented-commands.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { requirePrograms } from "./support/programs.js";
import { serveSite } from "./support/serve-site.js";

const trial = `name: quick
rounds: 2
clients: 6
task: { name: text-copy, sequences: 8, localSteps: 4, evaluationSequences: 8 }
aggregator: { name: clair }
attacks: [{ attack: { name: label-flip }, count: 2 }]
`;

/** Runs a trial in the page's worker. Resolves to the lines of its records. */
const runInWorker = (text: string) => `new Promise((resolve, reject) => {
  const worker = new Worker("worker.js", { type: "module" });
  const lines = [];
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.onmessage = ({ data }) => {
    if (data.kind === "round") lines.push(data.line);
    if (data.kind === "failed") reject(new Error(data.why));
    if (data.kind === "ended") resolve(lines.join(""));
  };
  worker.postMessage(${JSON.stringify(text)});
})`;

/** What scripts of the repository export, which have no declarations. */
interface Scripts {
  readonly recordPage: (run: string, out: string) => Promise<void>;
  readonly readFirstScores: (run: string) => Promise<unknown>;
}

async function importScript(name: string): Promise<Scripts> {
  return (await import(join(workspace, "scripts", name))) as Scripts;
}

describe("the playground in a browser", () => {
  requirePrograms("chromium");

  it("has the bytes of Node.js, a verdict, and an address for its setting", async () => {
    const site = await serveSite("", join(workspace, "apps/client-browser/dist/site/playground"));
    const folder = await temporaryFolder();
    await writeFile(join(folder, "playground.yaml"), trial);
    const [{ words } = { words: [] }] = listDocumentedCommands().filter(
      ({ document }) => document === "docs/playground.md",
    );
    const documented = words.slice(2).map((word) => word.replace(/.*\.yaml/, join(folder, "$&")));
    const out = join(folder, "run");
    const [{ page, complaints }, { code, stderr }] = await Promise.all([
      openPage(`${site}/fedclair/index.html#rule=fedavg&share=0`),
      fedclair([...documented, "--no-report", "--out", out]),
    ]);
    assert.equal(code, 0, stderr);
    await page.locator(".card", { hasText: "accuracy" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByLabel("Rule at the server").selectOption("clair");
    assert.match(page.url(), /rule=clair/);
    await page.locator(".card", { hasText: "0 of 20 false alarms" }).waitFor();
    const records = await page.evaluate(runInWorker(trial));
    assert.equal(records, await readFile(join(out, "records.jsonl"), "utf8"));
    assert.deepEqual(complaints, []);
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
    await page.context().setOffline(true);
    await page.reload();
    await page.getByRole("heading", { name: "Playground" }).waitFor();
    assert.equal(await page.evaluate('fetch("worker.js").then(({ ok }) => ok)'), true);
  });
});

describe("the recorded run of the site in a browser", () => {
  requirePrograms("chromium");

  it("is the run of README's picture, with a page for each client and a report", async () => {
    const out = await temporaryFolder();
    const run = join(workspace, "docs/.vitepress/presidents");
    const { recordPage } = await importScript("record-page.js");
    await recordPage(run, out);
    const site = await serveSite("", out);
    const { page, complaints } = await openPage(`${site}/fedclair/index.html`);
    await page.locator(".card", { hasText: "9 of 9 contaminated flagged" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByRole("link", { name: "c14 Abraham Lincoln" }).first().click();
    await page.getByRole("dialog").getByText("Nearest in its evidence").waitFor();
    await page.getByRole("link", { name: "Close" }).click();
    await page.getByRole("link", { name: "Open the report" }).click();
    await page.getByRole("heading", { name: "text-copy-sotu" }).waitFor();
    assert.deepEqual(complaints, []);
    const gallery = await readFile(join(workspace, "docs/gallery.json"), "utf8");
    const shown = JSON.parse(gallery) as Readonly<Record<string, { readonly first: string }>>;
    const { readFirstScores } = await importScript("first-scores.js");
    const first = JSON.stringify(await readFirstScores(run));
    assert.equal(first, shown["trials/text-copy/sotu.yaml"]?.first);
  });
});
