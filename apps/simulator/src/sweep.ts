import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { remarksOn, UserError } from "@fedclair/core";
import { pluginsFor } from "@fedclair/plugins";
import { writeSweep } from "@fedclair/report";
import {
  interruption,
  missingMeasures,
  parseSweep,
  print,
  runSweep,
  sweepText,
  tablesOf,
  type Done,
  type Summary,
  type Sweep,
} from "@fedclair/runs";
import pc from "picocolors";

/**
 * `fedclair sweep`: runs a grid of trials, those left out that are done, and shows tables and heat maps.
 * @throws UserError once they are shown, if a trial failed or no trial has one of the measures
 */
export async function sweep(file: string, options: { out?: string; json: boolean }): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`cannot read the sweep file '${file}'`);
  });
  const plugins = await pluginsFor(file);
  const grid = parseSweep(text, file, plugins);
  const out = options.out ?? join("runs", grid.name);
  const remarks = grid.trials.flatMap(({ trial }) => remarksOn(trial, plugins));
  for (const remark of new Set(remarks)) process.stderr.write(`${remark}\n`);
  const { name: backend } = await loadBackend("auto");
  const summaries = new Map<string, Summary>();
  const failed: string[] = [];
  const incomplete: string[] = [];
  let exitCode: number | undefined;
  let over = 0;
  for await (const done of runSweep(grid, plugins, out, interruption.signal, backend)) {
    const { trial, outcome } = done;
    over++;
    process.stderr.write(`${over}/${grid.trials.length} ${line(done)}\n`);
    if ("failed" in outcome) {
      failed.push(`${placeOf(trial)}: ${outcome.failed}`);
      exitCode ??= outcome.exitCode;
    } else summaries.set(trial.id, outcome);
    for (const fault of done.faults) {
      incomplete.push(`${placeOf(trial)}: ${fault.message}`);
      exitCode ??= fault.exitCode;
    }
  }
  const tables = tablesOf(grid, summaries);
  await writeSweep(out, grid, tables);
  const faults = faultsOf(grid, file, summaries, failed, incomplete);
  if (options.json) print(JSON.stringify({ out, tables, failed, incomplete }) + "\n");
  else {
    const missed = faults.map((fault) => pc.red(firstLine(fault)) + "\n").join("");
    print(`${sweepText(tables)}\n${missed}report: ${join(out, "report.html")}\n`);
  }
  if (faults.length > 0) throw new UserError(faults.join("\n"), exitCode);
}

/** Why tables have holes, in an entry a cause whose first line tells it in short. */
function faultsOf(
  sweep: Sweep,
  file: string,
  summaries: ReadonlyMap<string, Summary>,
  failed: readonly string[],
  incomplete: readonly string[],
): string[] {
  const faults: string[] = [];
  if (failed.length > 0) {
    const short = `${failed.length} of ${sweep.trials.length} trials failed`;
    faults.push([short, ...failed.map(firstLine)].join("\n  "));
  }
  if (incomplete.length > 0) {
    const short = `${incomplete.length} of ${sweep.trials.length} trials lost clients or methods`;
    faults.push([short, ...incomplete.map(firstLine)].join("\n  "));
  }
  const { missing, known } = missingMeasures(sweep, summaries);
  if (missing.length > 0) {
    const short = `${file}: sweep.measures: no trial has ${missing.join(", ")}`;
    faults.push(`${short}\n  expected some of ${known.join(", ")}`);
  }
  return faults;
}

function line({ trial, outcome, skipped }: Done): string {
  const place = placeOf(trial);
  if ("failed" in outcome) return `${place}: ${pc.red(outcome.failed)}`;
  return skipped ? `${place}: done before` : place;
}

function placeOf({ at }: Done["trial"]): string {
  return [...at].map(([path, label]) => `${path} ${label}`).join(" · ");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
