import { loadPlugins, resolveModules } from "@fedclair/plugins";
import { describeStored, type TrialDescription } from "@fedclair/runs";

/**
 * Reads a run together with its plug-ins' labels, units and figures.
 * @param modules external plug-in modules; if some are missing, the run is still read, with a
 * notice
 * @param read reads the run, or more than the run
 * @throws UserError if the folder holds no run
 */
export async function openRunWith<T>(
  folder: string,
  modules: readonly string[],
  read: (folder: string, description?: TrialDescription) => Promise<T>,
): Promise<T> {
  const resolved = resolveModules(modules);
  const stored = await describeStored(folder, (content) => loadPlugins(resolved, content));
  if ("description" in stored) return await read(folder, stored.description);
  const list = new Intl.ListFormat("en-GB").format(stored.missing);
  process.stderr.write(
    `${folder} was read without ${list}: pass the modules with --plugin to see their names of clients, units and figures\n`,
  );
  return await read(folder);
}
