import { oneLine } from "@fedclair/core/internal";
import { loadPlugins, resolveModule } from "@fedclair/plugins";
import { describeStored, readRun, type Run } from "@fedclair/runs";

/**
 * Reads a run together with its plug-ins' labels, units and figures.
 * @param modules external plug-in modules; if some are missing, the run is still read, with a
 * notice
 * @throws UserError if the folder holds no run
 */
export async function openRun(folder: string, modules: readonly string[]): Promise<Run> {
  const run = await readWithPlugins(folder, modules);
  if (!run.isChained) {
    process.stderr.write(
      `${oneLine(folder)}: written by a release that kept no hashes of records, so later changes go unnoticed\n`,
    );
  }
  return run;
}

async function readWithPlugins(folder: string, modules: readonly string[]): Promise<Run> {
  const plugins = await loadPlugins(modules.map((one) => resolveModule(one, ".", "--plugin")));
  const stored = await describeStored(folder, plugins);
  if ("description" in stored) return await readRun(folder, stored.description);
  const list = new Intl.ListFormat("en-GB").format(stored.missing);
  process.stderr.write(
    `${folder} was read without ${list}: pass the modules with --plugin to see their names of clients, units and figures\n`,
  );
  return await readRun(folder);
}
