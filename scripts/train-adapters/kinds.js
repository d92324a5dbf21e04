// What the audit says of every kind of adapter that PEFT offers, and whether it reads the same change that PEFT does.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { findAdapters } from "../../apps/cli/dist/src/adapters/find-adapters.js";
import { openAdapter, readPairs } from "../../apps/cli/dist/src/adapters/peft.js";
import { audit } from "./audit.js";
import { exists, runScript } from "./python.js";
import { markdown } from "./table.js";

/** Differences below it are rounding of f32: of the pairs, and of a weight of which another is subtracted. */
const rounding = { delta: 1e-6, whole: 1e-5 };

/** Trains a tiny pile a kind, seven honest clients and two with random targets, and audits them. */
export async function kindsTable({ python, texts, base, folder }) {
  const made = join(folder, "kinds");
  if (!(await exists(join(made, "kinds.json")))) {
    await rm(made, { recursive: true, force: true });
    await runScript(python, "kinds.py", ["--base", base, "--texts", texts, "--out", made]);
  }
  const kinds = JSON.parse(await readFile(join(made, "kinds.json"), "utf8"));
  const rows = [
    ["kind", "honest", "random", "what the audit adds", "B·A as PEFT's", "the whole change"],
  ];
  for (const [name, { folder: own, error }] of Object.entries(kinds)) {
    process.stderr.write(`auditing ${name}\n`);
    rows.push([
      name,
      ...(error === undefined
        ? await rowOf(join(made, own))
        : ["", "", `not made: ${error}`, "", ""]),
    ]);
  }
  return `${markdown(rows.map((row) => row.map(escaped)))}\n`;
}

async function rowOf(folder) {
  const pile = join(folder, "pile");
  const report = await audit([pile]);
  const areInvalid = report.adapters.every(({ status }) => status === "invalid");
  return [
    ...[verdicts(report, false), verdicts(report, true), remarks(report)],
    ...(areInvalid ? ["", ""] : await differences(folder)),
  ];
}

/** How many of the contaminated, or of the honest, have each status. */
function verdicts({ adapters }, bad) {
  const own = adapters.filter(({ name }) => name.includes("bad-") === bad);
  const statuses = ["benign", "contaminated", "undecided", "inactive", "invalid"];
  return statuses
    .map((status) => [own.filter((one) => one.status === status).length, status])
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count} ${status}`)
    .join(", ");
}

function remarks({ adapters, ignored, dora, begunInBase, identical, uninformative, skipped }) {
  const texts = [];
  if (dora.length > 0) texts.push("DoRA");
  if (begunInBase.length > 0) texts.push("began in the base");
  if (ignored.length > 0) texts.push(`not judged: ${ignored[0]}${ignored.length > 1 ? ", …" : ""}`);
  if (identical.length > 0) texts.push(`${identical.length} groups of copies`);
  if (uninformative.length > 0) texts.push(`${uninformative.length} modules tell nothing`);
  const reason = adapters.find(({ status }) => status === "invalid")?.reason;
  if (reason !== undefined) texts.push(`invalid: ${reason.replace(/^.*\/pile\//, "")}`);
  if (skipped.length > 0) texts.push(`${skipped.length} folders skipped`);
  return texts.join("; ");
}

/** The largest over clients and modules of ‖audit's − peft's‖ / ‖peft's‖, for B·A and for the whole change of the weight. */
async function differences(folder) {
  const largest = { delta: undefined, whole: undefined };
  for (const name of ["client-1", "client-2"]) {
    const file = join(folder, `${name}.safetensors`);
    if (!(await exists(file))) continue;
    const { params } = decodeSafetensors(await readFile(file));
    const modules = await readOwn(join(folder, "pile", name));
    const missing = new Set(modules.keys());
    for (const [key, { shape, data }] of params) {
      const [what, module] = key.split(":");
      const pair = modules.get(module) ?? modules.get(module.replace(/^base_model\.model\./, ""));
      if (pair === undefined) continue;
      missing.delete(module);
      const difference = relative(product(pair, shape), data);
      largest[what] = Math.max(largest[what] ?? 0, difference);
    }
    if (modules.size > 0 && missing.size > 0)
      process.stderr.write(`${folder}: PEFT gave no change of ${[...missing][0]}\n`);
  }
  return ["delta", "whole"].map((what) => {
    const difference = largest[what];
    if (difference === undefined) return "";
    return difference < rounding[what] ? "same" : `differs by ${difference.toPrecision(2)}`;
  });
}

/** The pairs of the client's adapter, or of the last of those in folders of its folder; without modules if it cannot be read. */
async function readOwn(folder) {
  const { adapters } = await findAdapters([folder]);
  const own = adapters.find((one) => one.folder === folder) ?? adapters.at(-1);
  const { modules } = await openAdapter(own.folder).catch(() => ({ modules: new Map() }));
  return readPairs({ modules });
}

/** B·A, turned where the shape is (`fan_in_fan_out`). */
function product({ b, a }, [rows, columns]) {
  const [m, r] = b.shape;
  const n = a.shape[1];
  const out = new Float64Array(m * n);
  const turned = m !== rows || n !== columns;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < r; k++) sum += b.data[i * r + k] * a.data[k * n + j];
      out[turned ? j * m + i : i * n + j] = sum;
    }
  }
  return out;
}

function relative(got, wanted) {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < got.length; i++) {
    difference += (got[i] - wanted[i]) ** 2;
    size += wanted[i] ** 2;
  }
  return size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
}

function escaped(cell) {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
