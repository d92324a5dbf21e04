// Audits every kind of adapter that PEFT offers and compares the change that it reads with PEFT's.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { findAdapters, openAdapter, readChanges } from "@fedclair/audit";
import { audit } from "./audit.js";
import { exists, runScript } from "./python.js";
import { markdown } from "../../support/text.js";

/** Largest difference due to rounding in f32: of pairs, and of the difference of two weights. */
const rounding = { delta: 1e-6, whole: 1e-5 };

/** Trains and audits a tiny pile of each kind: seven benign clients and two with random targets. */
export async function kindsTable({ python, texts, base, folder }) {
  const output = join(folder, "kinds");
  if (!(await exists(join(output, "kinds.json")))) {
    await rm(output, { recursive: true, force: true });
    await runScript(python, "kinds.py", ["--base", base, "--texts", texts, "--out", output]);
  }
  const kinds = JSON.parse(await readFile(join(output, "kinds.json"), "utf8"));
  const rows = [
    ["kind", "benign", "random", "remarks of the audit", "B·A as PEFT's", "whole change"],
  ];
  for (const [name, { folder: own, error }] of Object.entries(kinds)) {
    process.stderr.write(`auditing ${name}\n`);
    rows.push([
      name,
      ...(error === undefined
        ? await auditKind(join(output, own))
        : ["", "", `failed: ${error}`, "", ""]),
    ]);
  }
  return `${markdown(rows.map((row) => row.map(escapeCell)))}\n`;
}

async function auditKind(folder) {
  const pile = join(folder, "pile");
  const report = await audit([pile]);
  const areInvalid = report.adapters.every(({ status }) => status === "invalid");
  return [
    ...[countByStatus(report, false), countByStatus(report, true), formatRemarks(report)],
    ...(areInvalid ? ["", ""] : await measureDifferences(folder)),
  ];
}

/** Counts the contaminated or the benign adapters by status. */
function countByStatus({ adapters }, bad) {
  const own = adapters.filter(({ name }) => name.includes("bad-") === bad);
  const statuses = ["benign", "contaminated", "undecided", "inactive", "invalid"];
  return statuses
    .map((status) => [own.filter((one) => one.status === status).length, status])
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count} ${status}`)
    .join(", ");
}

function formatRemarks({
  adapters,
  ignored,
  dora,
  begunInBase,
  identical,
  uninformative,
  skipped,
}) {
  const texts = [];
  if (dora.length > 0) texts.push("DoRA");
  if (begunInBase.length > 0) texts.push("began in the base");
  if (ignored.length > 0) texts.push(`not judged: ${ignored[0]}${ignored.length > 1 ? ", …" : ""}`);
  if (identical.length > 0) texts.push(`${identical.length} groups of copies`);
  if (uninformative.length > 0) texts.push(`${uninformative.length} modules are uninformative`);
  const reason = adapters.find(({ status }) => status === "invalid")?.reason;
  if (reason !== undefined) texts.push(`invalid: ${reason.replace(/^.*\/pile\//, "")}`);
  if (skipped.length > 0) texts.push(`${skipped.length} folders skipped`);
  return texts.join("; ");
}

/**
 * Largest ‖audit's − PEFT's‖ / ‖PEFT's‖ over clients and modules, for B·A and for the whole change
 * of the weight.
 */
async function measureDifferences(folder) {
  const largest = { delta: undefined, whole: undefined };
  for (const name of ["client-1", "client-2"]) {
    const file = join(folder, `${name}.safetensors`);
    if (!(await exists(file))) continue;
    const { params } = decodeSafetensors(await readFile(file));
    const modules = await readClientPairs(join(folder, "pile", name));
    const missing = new Set(modules.keys());
    for (const [key, { shape, data }] of params) {
      const [what, module] = key.split(":");
      const pair = modules.get(module) ?? modules.get(module.replace(/^base_model\.model\./, ""));
      if (pair === undefined) continue;
      missing.delete(module);
      const difference = relativeDifference(
        product(pair, /** @type {[number, number]} */ (shape)),
        data,
      );
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

/**
 * Reads the pairs of the client's adapter, or of the last adapter in its subfolders. The result has
 * no modules if the adapter cannot be read.
 */
async function readClientPairs(folder) {
  const { adapters } = await findAdapters([folder]);
  const own = adapters.find((one) => one.folder === folder) ?? adapters.at(-1);
  const { modules } = await openAdapter(own.folder).catch(() => ({ modules: new Map() }));
  return readChanges(/** @type {any} */ ({ modules }));
}

/** Computes B·A, transposed if the shape is (`fan_in_fan_out`). */
function product({ b, a }, [rows, columns]) {
  const [m, r] = b.shape;
  const n = a.shape[1];
  const out = new Float64Array(m * n);
  const isTransposed = m !== rows || n !== columns;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < r; k++) sum += b.data[i * r + k] * a.data[k * n + j];
      out[isTransposed ? j * m + i : i * n + j] = sum;
    }
  }
  return out;
}

function relativeDifference(got, wanted) {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < got.length; i++) {
    difference += (got[i] - wanted[i]) ** 2;
    size += wanted[i] ** 2;
  }
  return size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
}

function escapeCell(cell) {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
