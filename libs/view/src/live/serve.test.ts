import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noDescription } from "@fedclair/runs";
import { appendRounds, finish, record, writeRun } from "../../testing/run-folder.js";
import type { Listing, SweepView } from "../data/protocol.js";
import type { RoundsData } from "../data/rounds.js";
import { servePage, type PageServer, type PageServerOptions } from "./serve.js";

let root: string;
let server: PageServer;
const describeNothing = () => Promise.resolve({ description: noDescription });

async function serve(options: Partial<PageServerOptions> = {}): Promise<void> {
  server = await servePage({
    root,
    host: "127.0.0.1",
    port: 0,
    describe: describeNothing,
    ...options,
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The length of what was sent. */
  readonly bytes: number;
}

/** Unlike `fetch`, sends any path and headers as they are. */
function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const sent = Buffer.concat(chunks);
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: sent.toString(), bytes: sent.length });
      });
    });
    asked.on("error", reject).end();
  });
}

/** Reads a stream of events up to the first state of the run. */
function firstEvent(path: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
        if (!/^event: live$/m.test(body)) return;
        resolve(body);
        asked.destroy();
      });
    });
    asked.on("error", reject).end();
  });
}

describe("servePage", () => {
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(async () => {
    await server.close();
    await rm(root, { recursive: true });
  });

  it("serves three files, and lets nothing come from elsewhere", async () => {
    await serve();
    let bytes = 0;
    for (const [path, type] of [
      ["/", "text/html"],
      ["/page.js", "text/javascript"],
      ["/page.css", "text/css"],
    ] as const) {
      const { status, headers } = await get(path);
      assert.equal(status, 200, path);
      assert.match(String(headers["content-type"]), new RegExp(`^${type}`));
      assert.match(
        String(headers["content-security-policy"]),
        /^default-src 'none'; script-src 'self'; style-src 'self'; /,
      );
      assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe|https?:/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      bytes += (await get(path, { "accept-encoding": "br, gzip" })).bytes;
    }
    assert.ok(bytes < 60_000, `${bytes} bytes before any data`);
    assert.doesNotMatch((await get("/")).body, /<script>|<style>| style=|https?:/);
  });

  it("answers only GET, and only to names of this machine", async () => {
    await serve();
    assert.equal((await get("/", {}, "POST")).status, 405);
    for (const host of ["127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]:80"])
      assert.equal((await get("/", { host })).status, 200, host);
    for (const host of ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil"])
      assert.equal((await get("/api/list", { host })).status, 403, host);
  });

  it("requires its token, which a link exchanges for a cookie", async () => {
    const token = "a-token-of-the-page";
    await serve({ token });
    for (const headers of [
      {},
      { authorization: "Bearer a-token-of-the-pagf" },
      { cookie: `fedclair-page=${token}` },
    ]) {
      assert.equal((await get("/api/list", headers)).status, 401);
    }
    assert.equal((await get("/?token=a-token-of-the-pag")).status, 401);
    assert.equal((await get("/api/list", { authorization: `Bearer ${token}` })).status, 200);
    const link = await get(`/?token=${token}`);
    const [cookie = ""] = link.headers["set-cookie"] ?? [];
    assert.deepEqual([link.status, link.headers["location"]], [303, "/"]);
    assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
    assert.doesNotMatch(cookie, new RegExp(token));
    const [pair = ""] = cookie.split(";");
    assert.equal((await get("/api/list", { cookie: `other=1; ${pair}` })).status, 200);
  });

  describe("replays", () => {
    const token = "a-token-for-replays";
    const address = "/api/replay?run=run&client=c03&from=2";
    const authorization = `Bearer ${token}`;
    /** Serves a finished run of two rounds; `code` is that of the command. */
    const serveRun = async (code: string, plugins: readonly string[] = []) => {
      await writeRun(join(root, "run"), { rounds: 2 });
      await appendRounds(join(root, "run"), record(1), record(2));
      await finish(join(root, "run"));
      const program = join(root, "command.mjs");
      await writeFile(program, code);
      await serve({ replays: { token, program, plugins } });
    };

    it("start only with their token, of a run that is done", async () => {
      await serveRun("process.exit(3)");
      await writeRun(join(root, "waiting"));
      for (const headers of [{}, { authorization: "Bearer a-token-for-replayt" }]) {
        const { status, body } = await get(address, headers, "POST");
        assert.deepEqual([status, /--replay-token-file/.test(body)], [401, true]);
      }
      assert.equal((await get("/api/list?run=run", { authorization }, "POST")).status, 405);
      for (const [query, expected] of [
        ["run=..&client=c03&from=2", /^there is no run or folder '\.\.' here/],
        ["run=run&client=--trust&from=2", /^expected the id of a client/],
        ["run=run&client=c03&from=3", /^expected a round up to 2, got 3$/m],
        ["run=waiting&client=c03&from=2", /^expected a run that is done/],
      ] as const) {
        const { status, body } = await get(`/api/replay?${query}`, { authorization }, "POST");
        assert.ok(status >= 400 && expected.test(body), body);
      }
    });

    it("run the command with its arguments alone, and are listed", async () => {
      const report = `import { mkdirSync, writeFileSync } from "node:fs";
        const [, , ...args] = process.argv;
        mkdirSync(args[1] + "-without-c03-from-2");
        writeFileSync(args[1] + ".txt", args.join(" "));`;
      await serveRun(report, ["own.js"]);
      assert.equal((await get(address, { authorization }, "POST")).status, 204);
      const run = join(root, "run");
      assert.equal(
        await readFile(`${run}.txt`, "utf8"),
        `replay ${run} --without c03 --from 2 --no-report --plugin own.js`,
      );
      assert.deepEqual(JSON.parse((await get(address)).body), {
        canStart: true,
        replays: [{ path: "run-without-c03-from-2", from: 2 }],
      });
    });

    it("run one at a time, and end with the page", async () => {
      await serveRun(`console.error("begun"); setInterval(() => undefined, 1000);`);
      const first = get(address, { authorization }, "POST");
      const second = get(address, { authorization }, "POST");
      const { status, body } = await Promise.race([first, second]);
      assert.equal(status, 422);
      assert.match(body, /^run-without-c03-from-2 is running: one replay at a time/);
      await server.close();
      const answers = await Promise.allSettled([first, second]);
      assert.ok(answers.every((one) => one.status === "rejected" || one.value.status === 422));
    });

    it("report the command's error in a line", async () => {
      await serveRun(
        `console.error("a warning\\nerror: the trial names other code\\n"); process.exitCode = 2;`,
      );
      const { status, body } = await get(address, { authorization }, "POST");
      assert.deepEqual([status, body], [422, "the trial names other code\n"]);
    });
  });

  it("does not leave its folder", async () => {
    const outside = await mkdtemp(join(tmpdir(), "fedclair-"));
    try {
      await writeRun(join(outside, "run"));
      await writeFile(join(outside, "run/report.html"), "secret");
      await symlink(join(outside, "run"), join(root, "link"));
      await serve();
      const up = join("..", outside.slice(outside.lastIndexOf("/") + 1), "run");
      for (const path of ["..", up, "link", "a/../b", "/etc", "a\0b", "./.", "x\\y"]) {
        const query = new URLSearchParams({ run: path }).toString();
        assert.equal((await get(`/api/events?${query}`)).status, 404, path);
        assert.equal((await get(`/api/client?${query}&client=c00`)).status, 404, path);
        assert.equal((await get(`/report/${encodeURIComponent(path)}/report.html`)).status, 404);
      }
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("follows no link out of its folder, in a run or a sweep", async () => {
    const outside = await mkdtemp(join(tmpdir(), "fedclair-outside-"));
    try {
      const secret = join(outside, "secret");
      await writeFile(secret, "root:x:0:0\n");
      for (const file of ["trial.yaml", "records.jsonl", "summary.json"]) {
        const run = join(root, file);
        await writeRun(run);
        await rm(join(run, file), { force: true });
        await symlink(secret, join(run, file));
      }
      await writeRun(join(outside, "run"));
      await finish(join(outside, "run"));
      await symlink(join(outside, "run"), join(root, "linked"));
      await serve();
      const { entries } = JSON.parse((await get("/api/list")).body) as Listing;
      assert.deepEqual(
        entries.map(({ path, status }) => [path, status]),
        [
          ["linked", "broken"],
          ["records.jsonl", "interrupted"],
          ["summary.json", "failed"],
          ["trial.yaml", "broken"],
        ],
      );
      for (const { fault } of entries) assert.doesNotMatch(fault ?? "", /root:x|fedclair-outside/);
      assert.match(entries.at(-1)?.fault ?? "", /got a link that leads out of it/);
      for (const file of ["trial.yaml", "records.jsonl"]) {
        const events = await firstEvent(`/api/events?run=${file}`);
        assert.match(events, /got a link that leads out of it/);
        assert.doesNotMatch(events, /root:x/);
      }
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("serves readers although others keep connections that send nothing", async () => {
    await serve();
    const { hostname, port } = new URL(server.url);
    const idle = Array.from({ length: 70 }, () => connect(Number(port), hostname));
    for (const socket of idle) socket.on("error", () => undefined);
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    assert.equal((await get("/")).status, 200);
    for (const socket of idle) socket.destroy();
  });

  it("serves readers although others keep streams of events open", async () => {
    await serve();
    const { port, hostname } = new URL(server.url);
    const streams: Socket[] = [];
    while (streams.length < 70) {
      const socket = connect(Number(port), hostname);
      streams.push(socket);
      socket.on("error", () => undefined);
      socket.write("GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
      await once(socket, "data");
    }
    assert.equal((await get("/")).status, 200);
    for (const socket of streams) socket.destroy();
  });

  it("describes a trial once, until its file changes, also if that fails", async () => {
    await writeRun(join(root, "one"));
    let asked = 0;
    await serve({ describe: () => Promise.reject(new Error(`no ${++asked}`)) });
    const path = "/api/round?run=one&round=1";
    for (let n = 0; n < 3; n++) assert.equal((await get(path)).status, 200);
    assert.equal(asked, 1);
    await appendFile(join(root, "one", "trial.yaml"), "\n");
    await get(path);
    assert.equal(asked, 2);
  });

  it("rejects addresses that a browser would look for elsewhere", async () => {
    await serve({ token: "secret" });
    for (const path of ["//", "//[", "//elsewhere/?token=secret", "http://elsewhere//x", "/\\x"]) {
      const { status, headers } = await get(path);
      assert.equal(status, 400, path);
      assert.equal(headers["location"], undefined);
    }
  });

  it("waits for a run whose folder does not exist yet", async () => {
    await serve({ root: join(root, "later"), isRun: true });
    const { body } = await get("/api/list");
    assert.equal((JSON.parse(body) as Listing).isRun, true);
    assert.match(await firstEvent("/api/events"), /The run has not begun/);
  });

  it("lists runs with their status, and whatever else is there not at all", async () => {
    await writeRun(join(root, "one"));
    await appendRounds(join(root, "one"), record(1));
    await writeRun(join(root, "two"));
    await finish(join(root, "two"));
    await mkdir(join(root, "notes"));
    await serve();
    const { entries, isRun } = JSON.parse((await get("/api/list")).body) as Listing;
    assert.equal(isRun, false);
    assert.deepEqual(
      entries.map(({ path, status, done, of }) => [path, status, done, of]),
      [
        ["one", "interrupted", 0, 6],
        ["two", "done", 6, 6],
      ],
    );
  });

  it("serves a report that runs no script but that of this release, and no other file of a run", async () => {
    await writeRun(join(root, "run"));
    await mkdir(join(root, "run/figures"));
    await writeFile(join(root, "run/report.html"), "<p>a report</p>");
    await writeFile(join(root, "run/figures/scores.svg"), "<svg/>");
    await serve();
    const { status, body, headers } = await get("/report/run/report.html");
    assert.deepEqual([status, body], [200, "<p>a report</p>"]);
    assert.match(
      String(headers["content-security-policy"]),
      /^sandbox allow-same-origin allow-popups allow-scripts; default-src 'none'; script-src 'sha256-[\w+/]{43}='; .*base-uri 'none'; /,
    );
    assert.equal((await get("/report/run/figures/scores.svg")).status, 200);
    for (const file of ["trial.yaml", "figures/../run.json", "figures/x.js", "report.html/"])
      assert.equal((await get(`/report/run/${file}`)).status, 404, file);
  });

  it("says whether a sweep has a report", async () => {
    const out = join(root, "grid");
    await mkdir(out);
    const trials = [{ id: "0123456789abcdef", folder: "one", seed: 1, at: [], arms: [] }];
    const grid = { version: "0.1.0", file: "grid.yaml", set: [], name: "grid" };
    const sweep = { ...grid, dimensions: [], hasWorstColumn: false, measures: [], trials };
    await writeFile(join(out, "sweep.json"), JSON.stringify(sweep));
    await serve();
    const read = async () => JSON.parse((await get("/api/sweep?run=grid")).body) as SweepView;
    const card = { tone: "plain", parts: [] };
    const view = { name: "grid", highlights: [], card, tables: [] };
    assert.deepEqual(await read(), { ...view, hasReport: false });
    await writeFile(join(out, "report.html"), "<p>a report</p>");
    assert.deepEqual(await read(), { ...view, hasReport: true });
  });

  it("sends the rounds of one client, and all clients of one round", async () => {
    await writeRun(root);
    const last = record(2);
    const modules = [{ module: "layer\n1", ratio: 2.5 }];
    const evidence = Array.from({ length: 100 }, (_, i) => {
      return { kind: `kind ${i}\u202e`, statistic: 1, deviations: 1 };
    });
    const clients = last.clients.map((client) => ({ ...client, modules, evidence }));
    await appendRounds(root, record(1), record(1, "local"), { ...last, clients });
    await serve();
    const { body, status } = await get("/api/client?run=&client=c01");
    assert.equal(status, 200);
    const history = JSON.parse(body) as RoundsData;
    assert.deepEqual(
      history.rounds.map(({ round, scores }) => [history.arm, round, scores, history.truths[1]]),
      [
        ["clair", 1, "6", "sign-flip"],
        ["clair", 2, "6", "sign-flip"],
      ],
    );
    assert.deepEqual(
      history.rounds.map((round) => round.modules),
      [undefined, { 1: [[0, 2.5]] }],
    );
    assert.deepEqual(history.texts, ["layer\\n1"]);
    assert.equal(history.kinds.length, 64, "no run makes columns without end");
    assert.equal(history.kinds[0], "kind 0\\u{202e}");
    assert.equal((await get("/api/client?run=&client=../c01")).status, 400);
    assert.deepEqual(
      [await get("/api/client?run=&client=c04"), await get("/api/list?folder=nope")].map(
        (answer) => [answer.status, answer.body],
      ),
      [
        [422, "there is no client c04 in this run: it has c00 to c03\n"],
        [404, "there is no run or folder 'nope' here: the list has all\n"],
      ],
    );
    const { rounds } = JSON.parse((await get("/api/round?run=&round=2")).body) as RoundsData;
    assert.deepEqual(
      rounds.map(({ round, verdicts }) => [round, verdicts.length]),
      [[2, clients.length]],
    );
    const none = JSON.parse((await get("/api/round?run=&round=3")).body) as RoundsData;
    assert.deepEqual(none.rounds, []);
    assert.equal((await get("/api/round?run=&round=x")).status, 400);
  });

  it("compares two to six runs: what differs, and the curves", async () => {
    for (const [name, seed] of [
      ["one", 1],
      ["two", 2],
    ] as const) {
      await writeRun(join(root, name), { seed });
      await appendRounds(join(root, name), record(1), record(2));
    }
    await serve();
    const { body } = await get("/compare?run=one&run=two");
    assert.match(body, /<a href="\/#\/run\/one">one<\/a>.*<a href="\/#\/run\/two">two<\/a>/s);
    const [, keys = ""] = /<section id="differences">(.*?)<\/section>/s.exec(body) ?? [];
    assert.deepEqual(rowsOf(keys), [["seed", "1", "2"]]);
    for (const [name, round] of [
      ["one", 1],
      ["two", 2],
    ] as const)
      assert.ok(body.includes(`${name}, round ${round}: 0.500`), `${name}, round ${round}`);
    assert.equal((await get("/compare?run=one")).status, 400);
    assert.equal((await get(`/compare?${"run=one&".repeat(7)}`)).status, 400);
  });

  it("compares sweeps and runs over seeds", async () => {
    const sweep = async (name: string, labels: readonly string[]) => {
      const trials = [];
      for (const [i, label] of labels.entries()) {
        for (const seed of [1, 2]) {
          const folder = `run-${label}-${seed}`;
          const run = join(root, name, folder);
          await writeRun(run, { seed, clients: 4 + i });
          await finish(run, { error: seed + i });
          const at = [["clients", label] as const, ["seed", String(seed)] as const];
          const arms = [{ label: "clair", benignOnly: false }];
          trials.push({ id: `${i}${seed}`.padStart(16, "0"), folder, seed, at, arms });
        }
      }
      const dimensions = [
        { path: "clients", labels },
        { path: "seed", labels: ["1", "2"] },
      ];
      const grid = {
        version: "0.1.0",
        file: "/s.yaml",
        set: [],
        name,
        dimensions,
        measures: [],
        trials,
      };
      await writeFile(join(root, name, "sweep.json"), JSON.stringify(grid));
    };
    await sweep("grid", ["4", "5"]);
    await sweep(
      "large",
      Array.from({ length: 24 }, (_, i) => String(4 + i)),
    );
    await writeRun(join(root, "one"), { seed: 1 });
    await appendRounds(join(root, "one"), record(1));
    await serve();
    const { body } = await get("/compare?run=grid&run=one");
    const [, measures = ""] = /<section id="measures">(.*?)<\/section>/s.exec(body) ?? [];
    assert.deepEqual(
      [...measures.matchAll(/<a href="([^"]*)">(.*?)<\/a>/g)].map(([, to, name]) => [name, to]),
      [
        ["grid: clients 4", "/#/list/grid"],
        ["grid: clients 5", "/#/list/grid"],
        ["one", "/#/run/one"],
      ],
    );
    // Student's 12.706 · 0.7071 / √2 = 6.353 is half the interval of 1 and 2.
    assert.deepEqual(
      rowsOf(measures).find(([name]) => name === "error"),
      ["error", "1.500 ± 6.353 (2)", "2.500 ± 6.353 (2)", "–"],
    );
    const [, keys = ""] = /<section id="differences">(.*?)<\/section>/s.exec(body) ?? [];
    assert.deepEqual(rowsOf(keys), [["clients", "4", "5", "4"]]);
    const paired = rowsOf(body).find(([first = ""]) => first.includes(" − "));
    assert.deepEqual(paired?.slice(0, 2), ["grid: clients 4 − grid: clients 5", "error"]);
    assert.ok(!body.includes("have no numbers"));
    assert.equal((await get("/compare?run=grid&run=large")).status, 200);
  });

  /** The texts of a table's cells, row by row. */
  function rowsOf(text: string): string[][] {
    return [...text.matchAll(/<tr>(.*?)<\/tr>/gs)]
      .map(([, row = ""]) =>
        [...row.matchAll(/<t[hd] (?!scope="col")[^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) =>
          cell.replace(/<[^>]*>/g, ""),
        ),
      )
      .filter((cells) => cells.length > 0);
  }
});
