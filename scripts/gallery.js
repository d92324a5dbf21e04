// npm run lab -- gallery [--only PATTERN] [--seconds N]: runs the shipped trials, and writes
// docs/gallery.md with a picture, the result, the time and the command of each. docs/gallery.json
// keeps the results, so that --only runs some of them again. Trials that take more CPU time than
// --seconds have no picture. It needs Debian's Chromium, which turns figures into small pictures.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { parseArguments } from "./arguments.js";
import { launchBrowser } from "./browser.js";
import { readFirstScores } from "./first-scores.js";
import { formatAs } from "./format.js";
import { groupBy } from "../studies/support/group-by.js";
import { groupOf, listShipped } from "./shipped.js";

const root = join(import.meta.dirname, "..");
const images = "docs/images/trials";
const { values } = parseArguments({
  options: {
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "120" },
  },
});

/** The most pixels of a picture. */
const [maxWidth, maxHeight] = [720, 720];

/** The trial of README's picture, whose scores the gate compares. */
const pictured = "trials/text-copy/sotu.yaml";

/** Trials that are not run here, with what they need. */
const elsewhere = {
  "trials/llm/smoke.yaml":
    "needs Python with PEFT, and takes [3 to 6 minutes](llm.md#what-it-costs)",
  "trials/llm/sotu.yaml":
    "needs Python with PEFT, and takes [11 minutes or more](llm.md#what-it-costs)",
  "trials/scale/million.yaml":
    "1.5 million clients; takes [half an hour](performance.md#many-clients-per-round)",
};

/** What trials are about, with their folders, in the order of the page. */
const jobs = [
  ["Tables and numbers", ["linear-regression", "table", "network", "denoising"]],
  ["Images", ["digits"]],
  ["Texts and language models", ["text-copy", "llm"]],
  ["Teams, institutions and sensors", ["alberdice", "evaluation-bias", "graph-learning"]],
  ["Distributions and models", ["value-driven-transport", "copy-average"]],
  ["Many clients", ["scale"]],
];

const store = join(root, "docs/gallery.json");
const results = JSON.parse(await readFile(store, "utf8").catch(() => "{}"));
const files = listShipped("trials");
for (const file of files) {
  if (!file.includes(values.only) || file in elsewhere) continue;
  results[file] = await runTrial(file);
  console.log(`${file}: ${results[file].seconds ?? "too long"}`);
  await writeFile(store, JSON.stringify(results, null, 2) + "\n");
}
const page = join(root, "docs/gallery.md");
const text = formatGallery(await Promise.all(files.map(describe)));
await writeFile(page, await formatAs(page, text));

/** Runs a trial in one process. @returns its headline, CPU seconds and picture; else {} */
async function runTrial(file) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-gallery-"));
  try {
    const out = join(folder, "run");
    const command = `ulimit -t ${values.seconds}; TIMEFORMAT="cpu %U %S"; time "$0" "$@"`;
    const fedclair = join(root, "apps/cli/bin/fedclair.js");
    const args = [process.execPath, fedclair, "run", file, "--transport", "memory", "--out", out];
    const { code, stdout, stderr } = await run("bash", ["-c", command, ...args]);
    if (code !== 0) {
      const lines = stderr.trim().split("\n");
      console.error(`${file} ended with ${code}: ${lines.at(-2) ?? ""}`);
      return {};
    }
    const [, user, system] = /^cpu (\S+) (\S+)$/m.exec(stderr);
    const seconds = Number((Number(user) + Number(system)).toPrecision(2));
    const figure = await chooseFigure(join(out, "figures"));
    if (figure === undefined) return { headline: findHeadline(stdout), seconds };
    const image = `${groupOf(file)}-${basename(file, ".yaml")}.webp`;
    await mkdir(join(root, images), { recursive: true });
    const { picture, title, caption } = await takePicture(join(out, "report.html"), figure);
    await writeFile(join(root, images, image), picture);
    const first = file === pictured ? { first: JSON.stringify(await readFirstScores(out)) } : {};
    return { headline: findHeadline(stdout), seconds, image, title, caption, ...first };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function run(program, args) {
  const child = spawn(program, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (part) => (stdout += part));
  child.stderr.setEncoding("utf8").on("data", (part) => (stderr += part));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** The sentence about the result, which is the last paragraph before the path of the report. */
function findHeadline(stdout) {
  const [last = ""] = stdout
    .split(/\nreport: /)[0]
    .trim()
    .split("\n\n")
    .slice(-1);
  // The first line is the verdict card, which says less.
  const [, ...lines] = last.split("\n").filter((line) => !line.startsWith("backend "));
  return lines.join(" ");
}

/** Prefers a figure of the task over the scores, and these over curves. @returns its name */
async function chooseFigure(folder) {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".svg"));
  const common = ["scores.svg", "accuracy.svg", "loss.svg", "cost.svg"];
  const rank = (name) => (common.includes(name) ? common.indexOf(name) : -1);
  const [name] = names.sort((a, b) => rank(a) - rank(b));
  return name === undefined ? undefined : basename(name, ".svg");
}

/**
 * Takes a picture of a figure of a report as WebP, which takes a third of the bytes of a PNG: as
 * on a phone, where texts are large, unless it is too high there. The font is the one that the
 * layout of figures is made for; wider ones would be cut.
 */
async function takePicture(report, name) {
  // Scripts would take the legend out of the drawing.
  const html = (await readFile(report, "utf8")).replace(/<script\b[^]*?<\/script>/g, "");
  const browser = await launchBrowser();
  try {
    for (const width of [390, 960]) {
      const page = await browser.newPage({ viewport: { width, height: 1000 }, bypassCSP: true });
      await page.setContent(html);
      await page.addStyleTag({ content: await arimoStyle() });
      await page.evaluate(() => globalThis.document.fonts.ready);
      const figure = page
        .locator("figure")
        .filter({ has: page.locator(`[href="figures/${name}.svg"]`) });
      const drawing = figure.locator(".drawing:visible");
      await drawing.scrollIntoViewIfNeeded();
      const clip = await drawing.locator("svg").boundingBox();
      const scale = Math.min(1.4, maxWidth / clip.width);
      const isNarrow = await drawing.evaluate((one) => one.classList.contains("at-narrow"));
      if (width === 390 && (!isNarrow || clip.height * scale > maxHeight)) continue;
      const session = await page.context().newCDPSession(page);
      const { data } = await session.send("Page.captureScreenshot", {
        format: "webp",
        quality: 70,
        captureBeyondViewport: true,
        clip: { ...clip, y: clip.y + (await page.evaluate(() => globalThis.scrollY)), scale },
      });
      const title = await figure.locator("xpath=../h2").innerText();
      const caption = await figure
        .locator("figcaption")
        .evaluate((one) => one.firstChild.textContent.replace(/\s*Files:\s*$/, ""));
      return {
        picture: Buffer.from(data, "base64"),
        title,
        caption: caption.replace(/\s+/g, " ").trim(),
      };
    }
  } finally {
    await browser.close();
  }
}

async function arimoStyle() {
  const file = join(root, "node_modules/@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf");
  const font = await readFile(file, "base64");
  return `@font-face { font-family: Arimo; src: url(data:font/ttf;base64,${font}) } body { font-family: Arimo }`;
}

/** Reads what the gallery shows about a trial. */
async function describe(file) {
  const { name, claim = "" } = parse(await readFile(join(root, file), "utf8"));
  return { file, name, claim: claim.trim(), ...results[file] };
}

/** @throws Error if a folder of trials has no job */
function formatGallery(trials) {
  const groups = groupBy(trials, ({ file }) => groupOf(file));
  const homeless = [...groups.keys()].filter(
    (group) => !jobs.some(([, own]) => own.includes(group)),
  );
  if (homeless.length > 0) throw new Error(`no job in scripts/gallery.js: ${homeless.join(", ")}`);
  const sections = jobs.map(([title, own]) => {
    const rows = own.flatMap((group) => groups.get(group) ?? []).map(formatTrial);
    return `## ${title}\n\n| picture | trial |\n| --- | --- |\n${rows.join("\n")}`;
  });
  return [
    "# Gallery",
    "This page shows every trial of this repository: what it claims, what a run of it says, and its command. `npm run lab -- gallery` runs them and writes this page. The time is that of one processor core.",
    ...sections,
  ].join("\n\n");
}

/** A row of a table: the picture, and what there is to read. */
function formatTrial({ file, name, claim, headline, seconds, image, title }) {
  const longer = `takes more than ${values.seconds} s, or failed, when this page was written`;
  const time = seconds === undefined ? (elsewhere[file] ?? longer) : `${seconds} s`;
  const picture = image ? `![${title}: trial ${name}](images/trials/${image})` : "";
  const parts = [
    `**${name}**`,
    claim,
    ...(headline ? [`_${headline}_`] : []),
    `\`npx fedclair run ${file}\` · ${time}`,
  ];
  const text = parts.join("<br>").replaceAll("|", "\\|").replaceAll("\n", " ");
  return `| ${picture} | ${text} |`;
}
