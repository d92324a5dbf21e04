import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./command.js";
import { readResultBytes } from "./federation.js";
import { temporaryFolder, workspace } from "./paths.js";

/**
 * Runs a trial over sockets with two hosts and in one process, and checks that the bytes are the
 * same.
 * @param trial path of the trial file from the workspace's root
 * @param changes options to set, as `path=value`
 * @param report does the run over sockets draw its report? That of the same bytes is the same.
 * @returns the run folder of the two hosts
 */
export async function runBothWays(
  trial: string,
  changes: readonly string[],
  { report = false } = {},
): Promise<string> {
  const folder = await temporaryFolder();
  const set = changes.flatMap((change) => ["--set", change]);
  const run = async (way: string, ...options: string[]): Promise<string> => {
    const out = join(folder, way);
    const args = ["run", join(workspace, trial), "--out", out, ...set, ...options];
    const ended = await fedclair(args);
    assert.equal(ended.code, 0, ended.stderr);
    return out;
  };
  const hosts = await run("hosts", "--hosts", "2", ...(report ? [] : ["--no-report"]));
  const memory = await run("memory", "--transport", "memory", "--no-report");
  assert.deepEqual(await readResultBytes(hosts), await readResultBytes(memory));
  return hosts;
}
