// node scripts/report-images.js: makes the pictures of reports again. It runs six trials, opens
// their reports in Debian's Chromium, and writes docs/images/report-<task>{,-dark,-phone}.png. They
// have few colours, so that all of them take less than 600 kB. With names of tasks, only these.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { parseArguments } from "./arguments.js";
import { launchBrowser } from "./browser.js";

const workspace = join(import.meta.dirname, "..");

/** Trials, some with fewer rounds than they have. */
const trials = {
  "linear-regression": ["linear-regression/gaussian.yaml"],
  digits: ["digits/dirichlet-label-flip.yaml", "rounds=3"],
  "text-copy": ["text-copy/synthetic.yaml", "rounds=4"],
  "copy-average": ["copy-average/noise.yaml"],
  "graph-learning": ["graph-learning/mixed.yaml"],
  "evaluation-bias": ["evaluation-bias/fabricated.yaml"],
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
    await fedclair(["run", join(workspace, "trials", trial), ...options]);
    await picture(run, `report-${task}`, { width: 1000, height: 860 });
    await picture(run, `report-${task}-dark`, { width: 1000, height: 700 }, "dark");
    await picture(run, `report-${task}-phone`, { width: 390, height: 844 });
  }
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}

async function fedclair(args) {
  const program = join(workspace, "apps/cli/bin/fedclair.js");
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`fedclair ${args.join(" ")} ended with ${code}`);
}

/** The dark picture shows a client's evidence, the others the top of the page. */
async function picture(run, name, viewport, colorScheme = "light") {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(pathToFileURL(join(run, "report.html")).href);
  await page.locator("h1").waitFor();
  if (colorScheme === "dark" && (await page.locator(".chooser button").count()) > 0) {
    await page.locator(".chooser button").first().click();
    await page.locator("#rounds").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.getElementById("rounds").scrollIntoView());
  }
  const path = join(workspace, "docs/images", `${name}.png`);
  await writeFile(path, await reduceColours(context, await page.screenshot(), viewport));
  await context.close();
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
