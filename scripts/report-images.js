// node scripts/report-images.js: makes the pictures of reports and pages again. It runs six trials,
// opens their reports and the pages of `fedclair view` in Debian's Chromium, and writes
// docs/images/{report,page}-<task>{,-dark,-phone}.png. They have few colours, so that a picture
// takes about 35 kB. With names of tasks, only these.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { parseArguments } from "./arguments.js";
import { launchBrowser, readAddress } from "./browser.js";
import { trialFile } from "./shipped.js";

const workspace = join(import.meta.dirname, "..");

/** Trials, some with fewer rounds than they have. */
const trials = {
  "linear-regression": ["linear-regression/gaussian"],
  digits: ["digits/dirichlet-label-flip", "rounds=3"],
  "text-copy": ["text-copy/synthetic", "rounds=4"],
  "copy-average": ["copy-average/noise"],
  "graph-learning": ["graph-learning/mixed"],
  "evaluation-bias": ["evaluation-bias/fabricated"],
};

/** The number of colours of a picture, so that two pixels fit into a byte. */
const colours = 16;

const { positionals } = parseArguments({ options: {}, allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : Object.keys(trials);
const folder = await mkdtemp(join(tmpdir(), "fedclair-images-"));
const browser = await launchBrowser();
try {
  for (const task of wanted) {
    const [trial, ...set] = trials[task];
    const run = join(folder, task);
    const options = [
      "--transport",
      "memory",
      "--out",
      run,
      ...set.flatMap((one) => ["--set", one]),
    ];
    await fedclair(["run", join(workspace, trialFile(trial)), ...options]);
    const report = pathToFileURL(join(run, "report.html")).href;
    await pictures(`report-${task}`, report, "h1", showRounds);
    const view = start(["view", run, "--no-open"]);
    try {
      await pictures(`page-${task}`, await readAddress(view), ".map", showClient);
    } finally {
      view.kill("SIGINT");
    }
  }
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}

function start(args) {
  const program = join(workspace, "apps/cli/bin/fedclair.js");
  return spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
}

async function fedclair(args) {
  const child = start(args);
  child.stderr.pipe(process.stderr);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`fedclair ${args.join(" ")} ended with ${code}`);
}

/**
 * @param ready selects what is there when all is drawn
 * @param show shows a client's evidence, in the dark picture; the others have the top
 */
async function pictures(name, url, ready, show) {
  await picture(name, url, ready, { width: 1000, height: 860 });
  await picture(`${name}-dark`, url, ready, { width: 1000, height: 700 }, show);
  await picture(`${name}-phone`, url, ready, { width: 390, height: 844 });
}

async function picture(name, url, ready, viewport, show) {
  const colorScheme = show ? "dark" : "light";
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator(ready).first().waitFor();
  await show?.(page);
  const path = join(workspace, "docs/images", `${name}.png`);
  await writeFile(path, await reduceColours(context, await page.screenshot(), viewport));
  await context.close();
}

/** Moves a report to its rounds, with a client chosen if it has any. */
async function showRounds(page) {
  if ((await page.locator(".chooser button").count()) === 0) return;
  await page.locator(".chooser button").first().click();
  await page.locator("#rounds").scrollIntoViewIfNeeded();
  await page.evaluate(() => document.getElementById("rounds").scrollIntoView());
}

/** Opens the first client that a page lists as flagged, if there is one. */
async function showClient(page) {
  if ((await page.locator(".columns tbody a").count()) === 0) return;
  await page.locator(".columns tbody a").first().click();
  await page.getByRole("dialog").locator(".neighbours").waitFor();
}

/** Draws a picture again with few colours, as a PNG with a palette. */
async function reduceColours(context, png, { width, height }) {
  const page = await context.newPage();
  const { palette, indices } = await page.evaluate(findPalette, {
    source: `data:image/png;base64,${png.toString("base64")}`,
    width,
    height,
    colours,
  });
  await page.close();
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(1 + Math.ceil(width / 2));
    for (let x = 0; x < width; x++) {
      row[1 + (x >> 1)] |= Number.parseInt(indices[y * width + x], colours) << (x % 2 ? 0 : 4);
    }
    return row;
  });
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", Buffer.concat([size, Buffer.from([4, 3, 0, 0, 0])])),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * Runs in a page: finds a palette, and the nearest of its colours for each pixel. Similar colours
 * count together; rare ones are chosen too if they are strong, as those of marks are.
 */
async function findPalette({ source, width, height, colours: most }) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(image, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height);
  const groups = new Map();
  const keys = Array.from({ length: width * height }, (_, i) => {
    const colour = [...data.subarray(4 * i, 4 * i + 3)];
    const key = colour.map((value) => value >> 4).join();
    const group = groups.get(key) ?? { sum: [0, 0, 0], count: 0 };
    groups.set(key, group);
    colour.forEach((value, c) => (group.sum[c] += value));
    group.count++;
    return key;
  });
  const means = [...groups].map(([key, { sum, count }]) => {
    const colour = sum.map((value) => Math.round(value / count));
    const strength = Math.max(...colour) - Math.min(...colour);
    return { key, colour, weight: Math.sqrt(count) * (1 + strength / 30) };
  });
  const palette = means
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, most)
    .map(({ colour }) => colour);
  const nearest = new Map(
    means.map(({ key, colour }) => {
      const distances = palette.map((one) =>
        one.reduce((sum, value, c) => sum + (value - colour[c]) ** 2, 0),
      );
      return [key, distances.indexOf(Math.min(...distances)).toString(most)];
    }),
  );
  return { palette, indices: keys.map((key) => nearest.get(key)).join("") };
}

function chunk(type, data) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const content = Buffer.concat([Buffer.from(type), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}
