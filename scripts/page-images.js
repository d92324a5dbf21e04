// node scripts/page-images.js: makes the pictures of docs/live-page.md and docs/browser.md again.
// It runs a trial, opens its page in Debian's Chromium, and writes
// docs/images/live-page{,-dark,-phone}.png. Then it lets a tab join a coordinator, and writes
// docs/images/browser-tab.png.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBrowser, readAddress } from "./browser.js";

const workspace = join(import.meta.dirname, "..");
const program = join(workspace, "apps/cli/bin/fedclair.js");
const trial = join(workspace, "trials/text-copy/synthetic.yaml");
const folder = await mkdtemp(join(tmpdir(), "fedclair-images-"));
const fedclair = (args) =>
  spawn(process.execPath, [program, ...args], { stdio: ["ignore", "inherit", "pipe"] });

let server;
const browser = await launchBrowser();
try {
  const run = join(folder, "run");
  const running = fedclair(["run", trial, "--set", "rounds=6", "--hosts", "2", "--out", run]);
  running.stderr.pipe(process.stderr);
  const [code] = await once(running, "exit");
  if (code !== 0) throw new Error(`the trial ended with ${code}`);
  server = fedclair(["view", run, "--no-open"]);
  const url = await readAddress(server);
  await picture(url, "live-page", { width: 1280, height: 1240 });
  await picture(url, "live-page-dark", { width: 1280, height: 1000 }, "dark");
  await picture(url, "live-page-phone", { width: 390, height: 844 });
  await pictureOfTab();
} finally {
  server?.kill("SIGINT");
  await browser.close();
  await rm(folder, { recursive: true });
}

/** A tab in the second round of a trial that it trains together with a host in Node.js. */
async function pictureOfTab() {
  const args = [trial, "--set", "rounds=50", "--join-page", "--out", join(folder, "tab")];
  const coordinator = fedclair(["coordinator", ...args]);
  let text = "";
  const url = await new Promise((resolve) => {
    coordinator.stderr.on("data", (chunk) => {
      text += chunk;
      const [, found] = /tabs join at (http[^"\s]+)/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const host = fedclair(["client", "--coordinator", url.slice(0, -1), "--capacity", "12"]);
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    const page = await context.newPage();
    await page.goto(`${url}#clients=8`);
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#rounds tbody tr").nth(3).waitFor();
    await page.screenshot({ path: join(workspace, "docs/images/browser-tab.png") });
    await context.close();
  } finally {
    host.kill("SIGINT");
    coordinator.kill("SIGINT");
  }
}

async function picture(url, name, viewport, colorScheme = "light") {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator(".map").waitFor();
  if (colorScheme === "dark") {
    await page.locator(".columns button.link").first().click();
    await page.getByRole("dialog").locator(".score").waitFor();
  }
  await page.screenshot({ path: join(workspace, "docs/images", `${name}.png`) });
  await context.close();
}
