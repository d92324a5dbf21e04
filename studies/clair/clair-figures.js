// npm run lab -- clair-figures [--out FOLDER]: draws the figures of docs/clair.md.
// It runs trials in memory and reads the real adapters in libs/audit/fixtures.
import { stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { clair, clairSchema } from "@fedclair/clair";
import { computeSines, computeStarts } from "@fedclair/clair/internal";
import { loadBackend } from "@fedclair/compute";
import { ClientRunner, MemoryPool } from "@fedclair/core/internal";
import {
  frobenius,
  hstack,
  leadingLeft,
  Matrix,
  median,
  multiply,
  multiplyTN,
  subtract,
  thinSvd,
} from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { mutedColour } from "@fedclair/core";
import { figureConfig, truthColours, truthShapes } from "@fedclair/view";
import { drawSvg } from "@fedclair/view/draw";
import { drawPng } from "@fedclair/view/draw-png";
import { prepareTrial, runTrial } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { loadPile } from "./federations.js";

const { values: args } = parseArguments({
  options: { out: { type: "string", default: "docs/images" } },
});

if (!(await isFolder(args.out))) {
  console.error(`error: --out: expected a folder that exists, got '${resolve(args.out)}'`);
  process.exit(2);
}

const ink = "#222222";
const attackNames = ["colluding-subspace", "gaussian-update"];

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const study = await runStudy();
await draw("clair-align", alignFigure(study));
await draw("clair-search", await searchFigure(study));
await draw("clair-decomposition", await decompositionFigure(study));
await draw("clair-evidence", await evidenceFigure());
await draw("clair-refinement", await refinementFigure(study));
process.exit(0); // linear algebra and CLAIR leave threads behind

async function isFolder(path) {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

async function draw(name, spec) {
  const base = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: {
      ...figureConfig,
      title: { ...figureConfig.title, color: ink, fontSize: 12, frame: "group" },
    },
  };
  const file = join(args.out, `${name}.png`);
  const png = drawPng(await drawSvg({ ...base, ...spec }));
  await writeFile(file, png);
  console.log(`${file}: ${Math.ceil(png.length / 1000)} kB`);
}

/** The trial of most figures: least squares, three colluders, three clients that send noise. */
async function runStudy() {
  const attacks = [
    { attack: { name: "colluding-subspace", kind: "random", rank: 3 }, count: 3 },
    { attack: { name: "gaussian-update" }, count: 3 },
  ];
  return runInMemory("linear-regression/gaussian", [
    "aggregator.rule=gap",
    `attacks=${JSON.stringify(attacks)}`,
  ]);
}

/** Runs a trial of one round and keeps the updates that CLAIR aggregates. */
async function runInMemory(name, set = []) {
  const { signal } = new AbortController();
  const plugin = plugins.aggregators.get("clair");
  let updates = [];
  const create = (options) => {
    const aggregator = plugin.create(options);
    const aggregate = (input, state) => {
      updates = input.updates;
      return aggregator.aggregate(input, state);
    };
    return { aggregate };
  };
  const observed = {
    ...plugins,
    aggregators: new Map([...plugins.aggregators, ["clair", { ...plugin, create }]]),
  };
  const prepared = await prepareTrial(`trials/${name}.yaml`, set, () => observed);
  const pool = new MemoryPool(new ClientRunner(prepared));
  const arms = new Map();
  try {
    await pool.ready(signal);
    for await (const { arm, event } of runTrial(prepared, pool, signal)) {
      if (event.kind === "stopped") throw new Error(`${name}: ${event.reason}`);
      if (event.kind === "round") arms.set(arm.label, event.record.clients);
    }
  } finally {
    await pool.close();
  }
  const truth = (client) => client.attack ?? "benign";
  const order = ["benign", ...attackNames];
  const clients = [...arms.get("clair")].sort(
    (a, b) => order.indexOf(truth(a)) - order.indexOf(truth(b)),
  );
  const byId = new Map(updates.map((update) => [update.clientId, update]));
  const sorted = clients.map(({ clientId }) => byId.get(clientId));
  return {
    rank: prepared.trial.aggregator.rank,
    arms,
    updates: sorted,
    clients: clients.map((client) => ({ ...client, truth: truth(client) })),
    matrices: sorted.map(({ delta }) => toMatrix([...delta.values()][0])),
  };
}

function toMatrix({ shape: [rows, cols], data }) {
  const matrix = new Matrix(rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) matrix.data[i + j * rows] = data[i * cols + j];
  }
  return matrix;
}

/** Step 1: two updates compared as vectors, and by the spaces that their columns span. */
function alignFigure({ clients, matrices, rank }) {
  const spaces = matrices.map((matrix) => leadingLeft([matrix], rank));
  const values = clients.flatMap(({ clientId: row }, i) =>
    clients.map(({ clientId: column }, j) => ({
      row,
      column,
      cosine: cosineOf(matrices[i], matrices[j]),
      overlap: frobenius(multiplyTN(spaces[i], spaces[j])) ** 2 / rank,
    })),
  );
  const names = clients.map(({ clientId }) => clientId);
  const counts = ["benign", ...attackNames].map(
    (truth) => clients.filter((client) => client.truth === truth).length,
  );
  const edges = [counts[0], counts[0] + counts[1]].map((k) => names[k]);
  const side = 300;
  const middle = (from, count) => ((from + count / 2) * side) / names.length;
  const groups = [
    { text: "benign", at: middle(0, counts[0]) },
    { text: "colluders", at: middle(counts[0], counts[1]) },
    { text: "noise", at: middle(counts[0] + counts[1], counts[2]) },
  ];
  const panel = (field, title, domain, scheme) => ({
    title: { text: title, offset: 6 },
    width: side,
    height: side,
    encoding: {
      x: {
        field: "column",
        type: "nominal",
        title: null,
        scale: { domain: names },
        axis: { domain: false, ticks: false, labelAngle: -90, labelFontSize: 9 },
      },
      y: {
        field: "row",
        type: "nominal",
        title: null,
        scale: { domain: names },
        axis: { domain: false, ticks: false, labelFontSize: 9 },
      },
    },
    layer: [
      {
        mark: "rect",
        encoding: {
          color: {
            field,
            type: "quantitative",
            scale: { domain, scheme },
            legend: { title: null, orient: "right", gradientLength: 120, tickCount: 3 },
          },
        },
      },
      ...groups.map(({ text, at }) => ({
        data: { values: [{}] },
        mark: { type: "text", text, fontSize: 10, baseline: "bottom", color: mutedColour },
        encoding: { x: { value: at }, y: { value: -4 } },
      })),
      ...edges.flatMap((edge) => [
        {
          transform: [{ filter: `datum.row === '${edge}' && datum.column === '${edge}'` }],
          mark: { type: "rule", color: ink, strokeWidth: 1, xOffset: -7.5 },
          encoding: { y: { value: 0 }, y2: { value: "height" } },
        },
        {
          transform: [{ filter: `datum.row === '${edge}' && datum.column === '${edge}'` }],
          mark: { type: "rule", color: ink, strokeWidth: 1, yOffset: -7.5 },
          encoding: { x: { value: 0 }, x2: { value: "width" } },
        },
      ]),
    ],
  });
  return {
    data: { values },
    hconcat: [
      panel("cosine", "cosine of two updates as vectors", [-1, 1], "blueorange"),
      panel("overlap", "overlap of the spaces of their columns", [0, 1], "greys"),
    ],
    spacing: 30,
    resolve: { scale: { color: "independent" } },
  };
}

function cosineOf(a, b) {
  const inner = a.data.reduce((total, x, i) => total + x * b.data[i], 0);
  return inner / frobenius(a) / frobenius(b);
}

/** Steps 3 and 4: concentration steps from many starts, and the spectrum that shows the rank. */
async function searchFigure({ clients, updates, matrices, rank }) {
  // Every client is a start here, in the order of the figures.
  const options = clairSchema.parse({ rank, rule: "gap", starts: updates.length });
  const { modules } = await clair(updates, options);
  const views = await modules.views({ clients: [...updates.keys()], leastNorm: 0 });
  const half = Math.ceil(options.minBenignFraction * updates.length);
  const truths = clients.map(({ truth }) => truth);
  const starts = await computeStarts(views, options);
  const values = [];
  let best = { members: [], objective: Infinity };
  for (const [i, first] of starts.entries()) {
    let candidate = closest(first, half);
    for (let step = 0; step <= 4; step++) {
      values.push({ i, step, truth: truths[i - 2] ?? "all", value: candidate.objective });
      if (candidate.objective < best.objective) best = candidate;
      candidate = closest(computeSines(views, await views.fit(candidate.members)), half);
    }
  }
  modules.close();
  const colours = truthColours(attackNames);
  const kinds = ["all", ...colours.domain];
  const ofStart = {
    all: "fit to all clients",
    benign: "benign client",
    "colluding-subspace": "colluder",
    "gaussian-update": "client that sends noise",
  };
  const spectra = [
    { name: "half that fits best", members: best.members },
    { name: "all clients", members: [...updates.keys()] },
  ].flatMap(({ name, members }) => {
    const stack = hstack(members.map((k) => matrices[k].scale(1 / frobenius(matrices[k]))));
    const energies = [...thinSvd(stack).s].map((s) => s ** 2 / members.length);
    return energies.slice(0, 10).map((value, j) => ({ name, direction: j + 1, value }));
  });
  return {
    hconcat: [
      {
        title: "search: fit the closest half, take the closest half again",
        width: 340,
        height: 230,
        data: { values: values.map((v) => ({ ...v, start: ofStart[v.truth] })) },
        mark: { type: "line", point: { filled: true, size: 22 }, strokeWidth: 1.2, opacity: 0.75 },
        encoding: {
          detail: { field: "i" },
          x: {
            field: "step",
            type: "quantitative",
            title: "concentration step",
            axis: { values: [0, 1, 2, 3, 4], format: "d", grid: false },
          },
          y: {
            field: "value",
            type: "quantitative",
            title: "energy outside the space, closest half",
            scale: { zero: true },
            axis: { tickCount: 5 },
          },
          color: {
            field: "start",
            type: "nominal",
            scale: { domain: kinds.map((kind) => ofStart[kind]), range: [ink, ...colours.range] },
            legend: { title: "start", columns: 2, orient: "bottom" },
          },
        },
      },
      {
        title: "rank: the drop in the spectrum",
        width: 300,
        height: 230,
        data: { values: spectra },
        mark: { type: "line", point: { filled: true, size: 30 }, strokeWidth: 1.4 },
        encoding: {
          x: {
            field: "direction",
            type: "quantitative",
            title: "direction",
            axis: { values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], format: "d", grid: false },
            scale: { domain: [1, 10], nice: false },
          },
          y: {
            field: "value",
            type: "quantitative",
            title: "share of the energy",
            scale: { type: "log", domain: [0.004, 0.6], nice: false },
            axis: { values: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5], format: "~g" },
          },
          color: {
            field: "name",
            type: "nominal",
            scale: {
              domain: ["half that fits best", "all clients"],
              range: ["#0072b2", mutedColour],
            },
            legend: { orient: "bottom" },
          },
        },
      },
    ],
    spacing: 40,
    resolve: { scale: { color: "independent" } },
  };
}

/** The clients with the smallest sines, and what they have outside. */
function closest(angles, half) {
  const order = [...angles.keys()].sort((i, j) => angles[i] - angles[j]).slice(0, half);
  const objective = order.reduce((total, k) => total + angles[k] ** 2, 0);
  return { members: order.sort((i, j) => i - j), objective };
}

/** Step 5: the stack of narrow blocks, its two parts, and the scores. */
async function decompositionFigure({ clients, updates, matrices, rank }) {
  const blocks = matrices.map((matrix) => {
    const { u, s } = thinSvd(matrix.scale(1 / frobenius(matrix)));
    const block = u.columns(0, rank).copy();
    for (let j = 0; j < rank; j++) block.column(j).forEach((x, i, own) => (own[i] = x * s[j]));
    return block;
  });
  const { modules, spaces } = await clair(updates, clairSchema.parse({ rank, rule: "gap" }));
  modules.close();
  const [{ left: space }] = spaces.values();
  const lows = blocks.map((block) => multiply(space, multiplyTN(space, block)));
  const rests = blocks.map((block, k) => subtract(block, lows[k]));
  const parts = [
    ["updates, side by side", blocks],
    ["= low-rank part", lows],
    ["+ block-sparse part", rests],
  ];
  const names = clients.map(({ clientId }) => clientId);
  const width = 12; // of a column
  const gap = 4; // between clients
  const leftOf = (k, j = 0) => k * (rank * width + gap) + j * width;
  const total = leftOf(names.length) - gap;
  const rows = blocks[0].rows;
  const rowHeight = 4;
  const x = (extra = {}) => ({
    field: "x",
    type: "quantitative",
    title: null,
    axis: null,
    scale: { domain: [0, total], nice: false },
    ...extra,
  });
  const cells = (stack) =>
    stack.flatMap((block, k) =>
      Array.from({ length: rows * rank }, (_, n) => {
        const [i, j] = [n % rows, Math.floor(n / rows)];
        return { x: leftOf(k, j), x2: leftOf(k, j) + width, i, i2: i + 1, value: block.get(i, j) };
      }),
    );
  const largest = Math.max(...blocks.flatMap(({ data }) => [...data].map(Math.abs)));
  const panel = ([title, stack]) => ({
    title: { text: title, offset: 3 },
    width: total,
    height: rows * rowHeight,
    data: { values: cells(stack) },
    mark: { type: "rect" },
    encoding: {
      x: x(),
      x2: { field: "x2" },
      y: {
        field: "i",
        type: "quantitative",
        axis: null,
        scale: { domain: [rows, 0], nice: false },
      },
      y2: { field: "i2" },
      color: {
        field: "value",
        type: "quantitative",
        scale: {
          type: "linear",
          domain: [-largest, 0, largest],
          range: ["#0072b2", "#f4f4f4", "#d55e00"],
        },
        legend: null,
      },
    },
  });
  const scores = clients.map((client, k) => ({
    x: leftOf(k) + (rank * width) / 2,
    name: client.clientId,
    truth: client.truth,
    score: client.score,
    threshold: client.threshold,
    flagged: client.verdict === "contaminated",
  }));
  const colours = { field: "truth", type: "nominal", scale: truthColours(attackNames) };
  const y = {
    field: "score",
    type: "quantitative",
    title: "score",
    scale: { type: "log", domain: [0.2, 5], nice: false },
    axis: { values: [0.2, 0.5, 1, 2, 5], format: "~g" },
  };
  return {
    spacing: 10,
    vconcat: [
      ...parts.map(panel),
      {
        title: {
          text: "score: outside over inside, each client against the fit without it",
          offset: 3,
        },
        width: total,
        height: 110,
        data: { values: scores },
        layer: [
          {
            mark: { type: "rule", color: ink, strokeDash: [5, 3] },
            encoding: { y: { ...y, field: "threshold", aggregate: "min" } },
          },
          {
            mark: { type: "point", size: 60, opacity: 1 },
            encoding: {
              x: x(),
              y,
              shape: {
                field: "truth",
                type: "nominal",
                scale: truthShapes(attackNames),
                legend: { orient: "bottom" },
              },
              stroke: { ...colours, legend: { orient: "bottom" } },
              fill: { ...colours, legend: { orient: "bottom" } },
              fillOpacity: { condition: { test: "datum.flagged", value: 1 }, value: 0 },
            },
          },
          {
            mark: { type: "text", fontSize: 10, baseline: "top", color: ink },
            encoding: { x: x(), y: { value: 114 }, text: { field: "name" } },
          },
        ],
      },
    ],
    resolve: { scale: { color: "independent" } },
  };
}

/** Steps 5 and 6 with rule `evidence`: the pieces of every adapter in a pile of real ones. */
async function evidenceFigure() {
  const { benign: honest, bad } = await loadPile("presidents");
  const all = [...bad, ...honest];
  const result = await clair(all, clairSchema.parse({ rule: "evidence" }));
  result.modules.close();
  const truthOf = (id) =>
    id.startsWith("bad-random") ? "random targets" : id.startsWith("bad-") ? "trigger" : "benign";
  const own = all.map(({ clientId }) => {
    const { score, evidence } = result.verdicts.get(clientId);
    const piece = (kind) => evidence.find((one) => one.kind === kind)?.deviations ?? 0;
    return {
      name: clientId,
      truth: truthOf(clientId),
      score,
      flagged: result.status.get(clientId) === "contaminated",
      agreement: piece("agreement"),
      size: piece("size"),
      shape: piece("shape"),
    };
  });
  const { upper } = result.judge.controls.thresholds;
  const values = own.sort((a, b) => b.score - a.score);
  const most = (field) => 1.05 * Math.max(...own.map((adapter) => adapter[field]));
  const attacks = ["random targets", "trigger"];
  const colours = { field: "truth", type: "nominal", scale: truthColours(attacks) };
  const names = values.map(({ name }) => name);
  const panel = (field, title, domain, first, rule) => ({
    title,
    width: first ? 160 : 155,
    height: { step: 15 },
    layer: [
      ...(rule === undefined
        ? []
        : [
            {
              mark: { type: "rule", color: ink, strokeDash: [5, 3] },
              encoding: { x: { datum: rule } },
            },
          ]),
      {
        mark: { type: "point", size: 46, strokeWidth: 1.4, opacity: 1 },
        encoding: {
          x: {
            field,
            type: "quantitative",
            title: null,
            scale: { domain, nice: false },
            axis: { tickCount: 4, gridDash: [1, 3] },
          },
          y: {
            field: "name",
            sort: names,
            title: null,
            axis: { ticks: false, domain: false, grid: true, ...(!first && { labels: false }) },
          },
          shape: { field: "truth", type: "nominal", scale: truthShapes(attacks) },
          stroke: colours,
          fill: colours,
          fillOpacity: { condition: { test: "datum.flagged", value: 1 }, value: 0 },
        },
      },
    ],
  });
  return {
    data: { values },
    spacing: 14,
    hconcat: [
      panel("agreement", "agreement (deviations)", [0, most("agreement")], true),
      panel("size", "size (deviations)", [0, most("size")], false),
      panel("shape", "shape (deviations)", [0, most("shape")], false),
      panel("score", "score", [0, most("score")], false, upper),
    ],
  };
}

/** Step 7: the error of every benign client, where refining gains and where it does not. */
async function refinementFigure(gains) {
  const loses = await runInMemory("denoising/heterogeneity", ["holdBack=0"]);
  const errorsOf = ({ arms }, trial) =>
    arms
      .get("clair")
      .filter(({ attack, verdict }) => attack === null && verdict === "benign")
      .map(({ clientId, evaluation }) => {
        const local = arms.get("local").find((client) => client.clientId === clientId);
        return { trial, clientId, refined: evaluation.error, local: local.evaluation.error };
      })
      .sort((a, b) => a.local - b.local);
  const panel = (values, title, domain) => ({
    title,
    width: 330,
    height: { step: 16 },
    data: { values },
    encoding: {
      y: {
        field: "clientId",
        sort: values.map(({ clientId }) => clientId),
        title: null,
        axis: { ticks: false, domain: false },
      },
    },
    layer: [
      {
        mark: { type: "rule", color: "#bbbbbb", strokeWidth: 2 },
        encoding: {
          x: {
            field: "local",
            type: "quantitative",
            title: "error",
            scale: { domain, nice: false },
            axis: { tickCount: 5, gridDash: [1, 3] },
          },
          x2: { field: "refined" },
        },
      },
      ...[
        ["local", "local update", mutedColour],
        ["refined", "refined update", "#0072b2"],
      ].map(([field, name]) => ({
        transform: [{ calculate: `'${name}'`, as: "which" }],
        mark: { type: "point", filled: true, size: 50, opacity: 1 },
        encoding: {
          x: { field, type: "quantitative" },
          color: {
            field: "which",
            type: "nominal",
            scale: { domain: ["local update", "refined update"], range: [mutedColour, "#0072b2"] },
          },
        },
      })),
    ],
  });
  const [gain, loss] = [errorsOf(gains, "gains"), errorsOf(loses, "loses")];
  const upTo = (values) =>
    1.05 * Math.max(...values.flatMap(({ local, refined }) => [local, refined]));
  return {
    spacing: 40,
    hconcat: [
      panel(gain, "linear regression: noise outside the space", [0, upTo(gain)]),
      panel(loss, "denoising: clients' own parts outside the space", [0, upTo(loss)]),
    ],
  };
}
