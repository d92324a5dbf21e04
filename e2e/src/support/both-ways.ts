import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./command.js";
import { readResultBytes } from "./federation.js";
import { temporaryFolder, workspace } from "./paths.js";

/**
 * Runs a trial over sockets with one host and in one process, and checks that the bytes are the
 * same. same-numbers.test.ts checks that the number of hosts does not matter either.
 * @param trial path of the trial file from the workspace's root
 * @param changes options to set, as `path=value`
 * @param how the number of hosts; does the run over sockets draw its report? That of the same bytes
 *   is the same.
 * @returns the run folder of the run over sockets
 */
export async function runBothWays(
  trial: string,
  changes: readonly string[],
  { hosts = 1, report = false } = {},
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
  const count = ["--hosts", String(hosts)];
  const sockets = await run("sockets", ...count, ...(report ? [] : ["--no-report"]));
  const memory = await run("memory", "--transport", "memory", "--no-report");
  assert.deepEqual(await readResultBytes(sockets), await readResultBytes(memory));
  return sockets;
}
