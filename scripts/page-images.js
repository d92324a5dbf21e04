// node scripts/page-images.js: makes the pictures of docs/report.md, docs/browser.md and
// docs/playground.md again.
// It runs a trial, opens its page in Debian's Chromium, and writes
// docs/images/live-page{,-dark,-phone}.png. Then it lets a tab join a coordinator, and writes
// docs/images/browser-tab.png, and another one with images of its own, for browser-tab-data.png.
// docs/images/playground.png is the playground after its run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBrowser, readAddress } from "./browser.js";

const workspace = join(import.meta.dirname, "..");
const { encode } = createRequire(join(workspace, "e2e/package.json"))("fast-png");
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
  await pictureOfOwnData();
  await pictureOfPlayground();
} finally {
  server?.kill("SIGINT");
  await browser.close();
  await rm(folder, { recursive: true });
}

/** The playground, from its folder. */
async function pictureOfPlayground() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const site = join(workspace, "apps/client-browser/dist/site/playground");
  await page.route("http://playground/**", (route, request) =>
    route.fulfill({ path: join(site, new URL(request.url()).pathname) }),
  );
  await page.goto("http://playground/index.html");
  await page.locator(".status.done").waitFor({ timeout: 120_000 });
  await page.screenshot({ path: join(workspace, "docs/images/playground.png") });
  await context.close();
}

/** A tab in a trial that it trains together with a host in Node.js. */
async function pictureOfTab() {
  const args = [trial, "--set", "rounds=50"];
  await withCoordinator(args, 12, async (url) => {
    const page = await openPage(`${url}#clients=8`, { width: 1280, height: 1000 });
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#rounds tbody tr").nth(3).waitFor();
    await page.screenshot({ path: join(workspace, "docs/images/browser-tab.png") });
  });
}

/** A tab that trains on images of its own, which it has in one folder per class. */
async function pictureOfOwnData() {
  const shapes = {
    circle: (x, y) => Math.abs(Math.hypot(x, y) - 4) < 1,
    cross: (x, y) => Math.abs(x) < 1 || Math.abs(y) < 1,
    square: (x, y) => Math.abs(Math.max(Math.abs(x), Math.abs(y)) - 4) < 1,
  };
  for (const [owner, counts] of Object.entries({ examples: [20, 20, 20], mine: [48, 31, 17] })) {
    for (const [k, [name, isInk]] of Object.entries(shapes).entries()) {
      await mkdir(join(folder, owner, name), { recursive: true });
      for (let i = 0; i < counts[k]; i++) {
        const [left, top] = [5 + (i % 4), 5 + (Math.floor(i / 4) % 4)];
        const data = Uint8Array.from({ length: 144 }, (_, p) =>
          isInk((p % 12) - left, Math.floor(p / 12) - top) ? 255 - i : i,
        );
        const png = encode({ width: 12, height: 12, channels: 1, data });
        await writeFile(join(folder, owner, name, `${i}.png`), png);
      }
    }
  }
  const own = join(folder, "own.yaml");
  const source = { folder: "examples", classes: Object.keys(shapes) };
  const content = {
    name: "shapes",
    claim: "A tab trains on images of its own.",
    seed: 1,
    rounds: 500,
    task: { name: "digits", source },
    clients: 4,
    aggregator: { name: "fedavg" },
  };
  await writeFile(own, JSON.stringify(content));
  await withCoordinator([own], 3, async (url) => {
    const page = await openPage(url, { width: 1280, height: 1000 });
    await page.locator("input[name=folder]").setInputFiles(join(folder, "mine"));
    await page.locator(".counts").waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    await page.locator("#rounds tbody tr").nth(3).waitFor();
    await page.screenshot({ path: join(workspace, "docs/images/browser-tab-data.png") });
  });
}

/** Starts a coordinator that serves the page for tabs, and a host in Node.js. */
async function withCoordinator(args, capacity, work) {
  const out = await mkdtemp(join(folder, "tab-"));
  const coordinator = fedclair(["coordinator", ...args, "--join-page", "--out", join(out, "run")]);
  let text = "";
  const url = await new Promise((resolve) => {
    coordinator.stderr.on("data", (chunk) => {
      text += chunk;
      const [, found] = /tabs join at (http[^"\s]+)/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const host = fedclair(["client", "--coordinator", url.slice(0, -1), "--capacity", `${capacity}`]);
  try {
    await work(url);
  } finally {
    host.kill("SIGINT");
    coordinator.kill("SIGINT");
  }
}

async function openPage(url, viewport) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function picture(url, name, viewport, colorScheme = "light") {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator(".map").waitFor();
  if (colorScheme === "dark") {
    await page.locator(".columns tbody a").first().click();
    await page.getByRole("dialog").locator(".neighbours").waitFor();
  }
  await page.screenshot({ path: join(workspace, "docs/images", `${name}.png`) });
  await context.close();
}
