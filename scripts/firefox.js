// npm run lab -- firefox: a smoke test in Debian's Firefox. A tab joins a trial as a client host,
// next to a host in Node.js, while another tab follows the live page. Prints what it saw as JSON,
// and exits with 1 if a page complains, or if the trial loses a client. Without Firefox
// (apt-get install firefox-esr) it prints that it was skipped, and exits with 0. It speaks
// WebDriver BiDi itself, because Playwright needs commands that Debian's Firefox does not have yet.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { logOf } from "./log-of.js";

const workspace = join(import.meta.dirname, "..");
// Socket.IO brings it; Node.js has a WebSocket of its own from 22 on only.
const { WebSocket } = createRequire(join(workspace, "libs/wire/package.json"))("ws");
const program = join(workspace, "apps/cli/bin/fedclair.js");
const executablePath = "/usr/bin/firefox-esr";
const clientsOfTab = 8;
/** Milliseconds to wait for anything. */
const patience = 60_000;

if (!existsSync(executablePath)) {
  console.log("skipped: Firefox is not installed; apt-get install firefox-esr");
  process.exit(0);
}
const folder = await mkdtemp(join(tmpdir(), "fedclair-firefox-"));
const fedclair = (args) =>
  spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
const children = [];
try {
  const firefox = await startFirefox();
  const run = join(folder, "run");
  const trial = join(workspace, "trials/linear-regression/gaussian.yaml");
  const coordinator = fedclair([
    ...["coordinator", trial, "--set", "rounds=20", "--set", "baselines=[]", "--out", run],
    ...["--listen", "127.0.0.1:0", "--page", "127.0.0.1:0", "--join-page"],
  ]);
  children.push(coordinator);
  const { page, tabs } = await readAddresses(coordinator);
  const live = await firefox.open(page);
  const tab = await firefox.open(`${tabs}#clients=${clientsOfTab}`);
  await tab.until("[...document.querySelectorAll('button')].some(isJoin)");
  await tab.evaluate("[...document.querySelectorAll('button')].find(isJoin).click()");
  children.push(fedclair(["client", "--coordinator", tabs.replace(/\/$/, ""), "--capacity", "12"]));
  // The live page looks for new runs only while it is visible; the other tab trains hidden.
  await live.toFront();
  await live.until("document.querySelector('.map') !== null");
  const sentence = await live.evaluate("document.querySelector('#overview [aria-live]').innerText");
  const isHidden = await tab.evaluate("document.visibilityState === 'hidden'");
  await tab.until("/The trial is over/.test(document.body.innerText)");
  const work = await tab.evaluate("/\\d+ jobs in .*/.exec(document.body.innerText)[0]");
  const records = (await readFile(join(run, "records.jsonl"), "utf8")).trimEnd().split("\n");
  const failures = records.flatMap((line) =>
    JSON.parse(line).clients.flatMap(({ clientId, failure }) =>
      failure === null ? [] : [`${clientId} ${failure.code}`],
    ),
  );
  const { version, complaints } = firefox;
  console.log(JSON.stringify({ version, work, isHidden, sentence, failures, complaints }, null, 2));
  if (failures.length + complaints.length > 0 || !isHidden) process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGINT");
  await Promise.all(
    children.map((child) => (child.exitCode ?? child.signalCode) === null && once(child, "exit")),
  );
  await rm(folder, { recursive: true, maxRetries: 3 });
}

/** Starts Firefox with a profile of its own, and collects what its pages complain about. */
async function startFirefox() {
  const profile = join(folder, "profile");
  await mkdir(profile);
  const args = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"];
  const child = spawn(executablePath, args, { stdio: ["ignore", "ignore", "pipe"] });
  children.push(child);
  const [, address] = await logOf(child).waitFor(/WebDriver BiDi listening on (ws:\S+)/);
  const socket = new WebSocket(`${address}/session`);
  await once(socket, "open");
  const waiting = new Map();
  const complaints = [];
  socket.on("message", (data) => {
    const { id, type, method, params, result, message } = JSON.parse(data);
    if (method === "log.entryAdded" && params.level === "error") complaints.push(params.text);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (type === "success") resolve(result);
    if (type === "error") reject(new Error(message));
  });
  let last = 0;
  const send = (method, params) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  const { capabilities } = await send("session.new", { capabilities: {} });
  await send("session.subscribe", { events: ["log.entryAdded"] });
  const open = async (url) => {
    const { context } = await send("browsingContext.create", { type: "tab" });
    await send("browsingContext.navigate", { context, url, wait: "complete" });
    const evaluate = async (text) => {
      const { result, exceptionDetails } = await send("script.evaluate", {
        expression: `{ const isJoin = ({ innerText }) => /Join/.test(innerText); ${text} }`,
        target: { context },
        awaitPromise: true,
      });
      if (exceptionDetails) throw new Error(`${exceptionDetails.text}: ${text}`);
      return result.value;
    };
    const until = async (condition) => {
      const end = Date.now() + patience;
      while ((await evaluate(condition)) !== true) {
        if (Date.now() > end) {
          const text = await evaluate("document.body.innerText");
          throw new Error(`${url}: still not ${condition}: ${text}\n${complaints.join("\n")}`);
        }
        await setTimeout(100);
      }
    };
    const toFront = () => send("browsingContext.activate", { context });
    return { evaluate, until, toFront };
  };
  return { version: capabilities.browserVersion, complaints, open };
}

/** Waits for the addresses of the live page and of the page on which tabs join. */
async function readAddresses(child) {
  const pattern =
    /page of .*: (http[^\s"]+)[^]*tabs join at (http[^"\s]+)|tabs join at (http[^"\s]+)[^]*page of .*: (http[^\s"]+)/;
  const [, first, second, third, fourth] = await logOf(child).waitFor(pattern);
  return { page: first ?? fourth, tabs: second ?? third };
}
