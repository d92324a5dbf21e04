// Records the live page of a finished run, and its report, as files for a static site. The run of
// the site is docs/.vitepress/presidents; this makes it again, in forty seconds:
//   rm -r docs/.vitepress/presidents
//   npx fedclair run trials/text-copy/sotu.yaml --transport memory --out docs/.vitepress/presidents
// and then everything but records.jsonl, run.json, summary.json, timings.jsonl and trial.yaml goes.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { readAddress } from "./browser.js";

const workspace = join(import.meta.dirname, "..");
const program = join(workspace, "apps/cli/bin/fedclair.js");

/**
 * @param {string} run its folder, which stays as it is
 * @param {string} out where the files go; `index.html` is the page
 */
export async function recordPage(run, out) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-recording-"));
  const name = "presidents";
  const copy = join(folder, name);
  try {
    await cp(run, copy, { recursive: true });
    await promisify(execFile)(process.execPath, [program, "report", name], { cwd: folder });
    for (const part of ["report.html", "figures"])
      await cp(join(copy, part), join(out, "report", part), { recursive: true });
    const site = join(workspace, "libs/view/dist/site");
    for (const file of ["page.js", "page.css"]) await cp(join(site, file), join(out, file));
    const page = await readFile(join(site, "index.html"), "utf8");
    const player = '<script src="recording.js"></script>\n    ';
    await writeFile(join(out, "index.html"), page.replace("<script", `${player}<script`));
    const answers = await recordAnswers(folder, name);
    const text = `const recorded = ${JSON.stringify(answers)};\n(${play.toString()})();\n`;
    await writeFile(join(out, "recording.js"), text);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What the page's server answers to all that a reader of a run can ask, by path and query. */
async function recordAnswers(folder, name) {
  const args = [program, "view", name, "--no-open", "--listen", "127.0.0.1:0"];
  const view = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  try {
    const url = await readAddress(view);
    const read = async (path) => await (await fetch(url + path)).text();
    const { clients, rounds } = parse(await readFile(join(folder, name, "trial.yaml"), "utf8"));
    const width = Math.max(2, `${clients - 1}`.length);
    const ids = Array.from({ length: clients }, (_, i) => `c${`${i}`.padStart(width, "0")}`);
    const paths = [
      "/api/list?folder=",
      ...ids.map((id) => `/api/client?run=&client=${id}`),
      ...Array.from({ length: rounds }, (_, i) => `/api/round?run=&round=${i + 1}`),
    ];
    const answers = {};
    for (const path of paths) answers[path] = await read(path);
    // Last, because then the server has read the corpus and knows the names of the clients.
    return { answers, events: await readEvents(`${url}/api/events?run=`) };
  } finally {
    view.kill("SIGINT");
    await once(view, "exit");
  }
}

/** Reads server-sent events until all that was written has been sent. */
async function readEvents(url) {
  let text = "";
  const events = [];
  for await (const chunk of (await fetch(url)).body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const messages = text.split("\n\n");
    text = messages.pop();
    for (const message of messages) {
      const [, event] = /^event: (.*)$/m.exec(message) ?? [];
      const [, data] = /^data: (.*)$/m.exec(message) ?? [];
      if (event !== undefined) events.push({ event, data });
      if (event === "live") return events;
    }
  }
  throw new Error(`${url} ended early`);
}

/** Runs in the page, before its script: answers in place of the server. */
function play() {
  const { events, answers } = recorded;
  globalThis.fetch = (path) => {
    const answer = answers[path];
    const [text, status] =
      answer === undefined
        ? ["This page is a recording: it does not have this.", 404]
        : [answer, 200];
    return Promise.resolve(new Response(text, { status }));
  };
  globalThis.EventSource = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => {
        for (const { event, data } of events) this.dispatchEvent(new MessageEvent(event, { data }));
      });
    }
    close() {}
  };
}
