// node studies/speed/report-speed.js: measures the report of a run with many clients and rounds,
// with made-up records. It writes the report, opens it as a file in Debian's Chromium, and prints
// JSON: the size, and the seconds to write it, to show its rounds, and to show a client. Exits with
// 1 if it has more than 5 MB or takes more than 2 s to open, as it may on a busy machine;
// --no-limits only prints.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readForReport, writeRunReport } from "@fedclair/view";
import { noDescription } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { launchBrowser } from "../../scripts/browser.js";
import { writeLargeRun } from "./large-run.js";

const { values } = parseArguments({
  options: {
    clients: { type: "string", default: "1000" },
    rounds: { type: "string", default: "100" },
    kinds: { type: "string", default: "8" },
    "no-limits": { type: "boolean", default: false },
  },
});
const [clients, rounds, kinds] = [values.clients, values.rounds, values.kinds].map(Number);

const folder = await mkdtemp(join(tmpdir(), "fedclair-report-"));
let browser;
try {
  const run = join(folder, "large");
  await writeLargeRun(run, { clients, rounds, kinds });
  const secondsToWrite = await measure(async () =>
    writeRunReport(await readForReport(run, { ...noDescription, primary: "error" }), run),
  );
  const { size } = await stat(join(run, "report.html"));
  browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto("about:blank");
  const secondsToOpen = await measure(async () => {
    await page.goto(pathToFileURL(join(run, "report.html")).href);
    await page.locator("#rounds .chooser button").first().waitFor();
  });
  const secondsToClient = await measure(async () => {
    await page.locator("#rounds .chooser button").first().click();
    await page.locator("#rounds .client polyline").waitFor();
  });
  const note = await page.locator("#rounds > .note").innerText();
  const [, shown = rounds] = /it has (\d+) of \d+ rounds/.exec(note) ?? [];
  const [, withEvidence = shown] = /the evidence of (\d+) rounds/.exec(note) ?? [];
  const seconds = { secondsToWrite, secondsToOpen, secondsToClient };
  console.log(
    JSON.stringify({
      clients,
      rounds,
      kinds,
      bytes: size,
      roundsInPage: Number(shown),
      roundsWithEvidence: Number(withEvidence),
      ...seconds,
    }),
  );
  const isWithin = size <= 5e6 && secondsToOpen <= 2;
  if (!values["no-limits"] && !isWithin) process.exitCode = 1;
} finally {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
}

/** Measures seconds to two decimals. */
async function measure(act) {
  const began = performance.now();
  await act();
  return Math.round((performance.now() - began) / 10) / 100;
}
