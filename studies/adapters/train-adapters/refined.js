// Refined adapters loaded by PEFT: held-out loss of each benign client with its own adapter and
// with both versions of the refined one.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { audit } from "./audit.js";
import { markdown } from "../../support/text.js";
import { slug } from "./piles.js";
import { runScript } from "./python.js";

/** The subfolders that `--refine` writes. */
const versions = ["shrunk", "added"];

function versionHeads() {
  return versions.flatMap((key) => [key, "better for"]);
}

/**
 * @param piles with their folder
 * @returns a table of all piles, and one of the clients of the last pile with refined adapters
 */
export async function refinedTable(piles, { python, texts, base, folder }) {
  const rows = [["pile", "benign", "only base", "own adapter", ...versionHeads()]];
  let last;
  for (const pile of piles) {
    process.stderr.write(`refining ${pile.title}\n`);
    const refined = join(folder, "refined", slug(pile));
    await rm(refined, { recursive: true, force: true });
    await audit([pile.folder], "--refine", refined);
    const out = `${refined}.json`;
    await runScript(python, "loss.py", [
      ...["--base", base, "--texts", texts, "--pile", pile.folder],
      ...["--refined", refined, "--out", out],
    ]);
    const losses = Object.entries(JSON.parse(await readFile(out, "utf8")));
    const written = losses.filter(([, { shrunk }]) => shrunk !== null);
    const mean = (key) => average(written.map(([, loss]) => loss[key]));
    const better = (key) => written.filter(([, loss]) => loss[key] < loss.own).length;
    rows.push([
      ...[pile.title, `${written.length} of ${losses.length}`, mean("base"), mean("own")],
      ...versions.flatMap((key) => [
        mean(key),
        written.length === 0 ? "" : `${better(key)} of ${written.length}`,
      ]),
    ]);
    if (written.length > 0) last = { title: pile.title, losses };
  }
  if (last === undefined) return "";
  return `${markdown(rows)}\n\n${last.title}:\n\n${clientsTable(last.losses)}\n`;
}

function clientsTable(losses) {
  const rows = losses.map(([name, { base, own, ...refined }]) => [
    name,
    ...[base, own, ...versions.map((key) => refined[key])].map(text),
  ]);
  return markdown([["client", "only base", "own adapter", ...versions], ...rows]);
}

function average(values) {
  if (values.length === 0) return "";
  return text(values.reduce((sum, x) => sum + x, 0) / values.length);
}

/** Formats a loss in nats per token. */
function text(loss) {
  return loss === null ? "not refined" : loss.toFixed(3);
}
