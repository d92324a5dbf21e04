// node studies/speed/page-speed.js: measures the live page with many clients and rounds. It
// writes a run with made-up records, opens it in Debian's Chromium, scrolls through the map for
// three seconds and prints frames per second and memory as JSON. Exits with 1 if the page needs
// more than 150 MB or draws fewer than 55 frames a second, as it may on a busy machine; --no-limits
// only prints.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "../../scripts/arguments.js";
import { launchBrowser, readAddress } from "../../scripts/browser.js";
import { writeLargeRun } from "./large-run.js";

const { values } = parseArguments({
  options: {
    clients: { type: "string", default: "1000" },
    rounds: { type: "string", default: "1000" },
    "no-limits": { type: "boolean", default: false },
  },
});
const clients = Number(values.clients);
const rounds = Number(values.rounds);

const folder = await mkdtemp(join(tmpdir(), "fedclair-page-"));
const run = join(folder, "large");
const cleanUps = [() => rm(folder, { recursive: true, force: true })];
try {
  await writeLargeRun(run, { clients, rounds, kinds: 2 });
  const measured = await measure(await serve(folder));
  console.log(JSON.stringify({ clients, rounds, ...measured }));
  const isWithin = measured.megabytes <= 150 && measured.framesPerSecond >= 55;
  if (!values["no-limits"] && !isWithin) process.exitCode = 1;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function serve(root) {
  const program = join(import.meta.dirname, "../../apps/cli/bin/fedclair.js");
  const child = spawn(process.execPath, [program, "view", root, "--no-open"], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  cleanUps.push(async () => {
    child.kill("SIGINT");
    if (child.exitCode === null) await once(child, "exit");
  });
  return await readAddress(child);
}

async function measure(url) {
  const browser = await launchBrowser();
  cleanUps.push(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const began = performance.now();
  await page.goto(`${url}/#/run/large`);
  await page.locator(".map").waitFor({ timeout: 120_000 });
  await page.waitForFunction(
    (count) => document.querySelector(".map")?.ariaLabel?.includes(` ${count} rounds`),
    rounds,
    { timeout: 240_000 },
  );
  const secondsToOpen = (performance.now() - began) / 1000;
  const frames = await page.evaluate(scrollMap, 3000);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const heap = await session.send("Runtime.getHeapUsage");
  const bytes = heap.usedSize + (heap.embedderHeapUsedSize ?? 0) + (heap.backingStorageSize ?? 0);
  return { secondsToOpen: round1(secondsToOpen), ...frames, megabytes: round1(bytes / 1e6) };
}

/** Runs in the page: scrolls through the map, and counts frames. */
async function scrollMap(milliseconds) {
  const map = document.querySelector(".map");
  map.scrollIntoView();
  const times = [];
  const begin = performance.now();
  await new Promise((/** @type {(nothing?: void) => void} */ resolve) => {
    const step = (now) => {
      times.push(now);
      const share = (now - begin) / milliseconds;
      map.scrollTo(
        (map.scrollWidth - map.clientWidth) * Math.abs(Math.sin(3 * share)),
        (map.scrollHeight - map.clientHeight) * share,
      );
      if (share < 1) requestAnimationFrame(step);
      else resolve();
    };
    requestAnimationFrame(step);
  });
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  const sorted = gaps.toSorted((a, b) => a - b);
  return {
    framesPerSecond: Math.round((1000 * gaps.length) / (times.at(-1) - times[0])),
    medianFrameMs: Math.round(sorted[Math.floor(sorted.length / 2)] * 10) / 10,
    slowestFrameMs: Math.round(sorted.at(-1) * 10) / 10,
  };
}

function round1(value) {
  return Math.round(value * 10) / 10;
}
