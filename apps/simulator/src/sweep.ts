import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { UserError } from "@fedclair/core";
import {
  interruption,
  parseSweep,
  runSweep,
  sweepText,
  tablesOf,
  writeSweep,
  type Done,
  type Summary,
} from "@fedclair/trials";
import pc from "picocolors";
import { plugins } from "./plugins.js";

/** `fedclair sweep`: runs a grid of trials, those left out that are done, and shows tables and heat maps. */
export async function sweep(file: string, options: { out?: string; json: boolean }): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`cannot read the sweep file '${file}'`);
  });
  const grid = parseSweep(text, file, plugins);
  const out = options.out ?? join("runs", grid.name);
  const { name: backend } = await loadBackend("auto");
  const summaries = new Map<string, Summary>();
  const failed: string[] = [];
  let over = 0;
  for await (const done of runSweep(grid, plugins, out, interruption.signal, backend)) {
    over++;
    process.stderr.write(`${over}/${grid.trials.length} ${line(done)}\n`);
    if ("failed" in done.outcome) failed.push(line(done));
    else summaries.set(done.trial.id, done.outcome);
  }
  const tables = tablesOf(grid, summaries);
  await writeSweep(out, grid, tables);
  if (options.json) process.stdout.write(JSON.stringify({ out, tables, failed }) + "\n");
  else process.stdout.write(`${sweepText(tables)}\nreport: ${join(out, "report.html")}\n`);
}

function line({ trial, outcome, skipped }: Done): string {
  const place = [...trial.at].map(([path, label]) => `${path} ${label}`).join(" · ");
  if ("failed" in outcome) return `${place}: ${pc.red(outcome.failed)}`;
  return skipped ? `${place}: done before` : place;
}
