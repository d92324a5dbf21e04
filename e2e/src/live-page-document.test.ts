import assert from "node:assert/strict";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { start } from "./support/command.js";
import { listDocumentedCommands } from "./support/documented-commands.js";
import { freePort } from "./support/free-port.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { requireOpenssl, Secrets } from "./support/secrets.js";

/** Requests an address of the page over TLS. @returns the status */
function status(url: string, ca: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { ca, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
}

/** Tells whether a command serves the live page, and so runs until Ctrl-C. */
function servesPage(words: readonly string[]): boolean {
  return words[2] === "view" || words.some((word) => word === "--open" || word === "--page");
}

describe("docs/report.md: the live page", () => {
  requireOpenssl();

  it("serves the page by each of its commands, and ends on Ctrl-C", async () => {
    const folder = await temporaryFolder();
    await symlink(join(workspace, "trials"), join(folder, "trials"));
    const secrets = await Secrets.make();
    await cp(secrets.file("coordinator.pem"), join(folder, "cert.pem"));
    await cp(secrets.file("coordinator-key.pem"), join(folder, "key.pem"));
    await writeFile(join(folder, "page-token.txt"), "a-token-for-readers\n");
    await writeFile(join(folder, "replay-token.txt"), "a-token-for-replays\n");
    const ca = await readFile(secrets.file("ca.pem"), "utf8");
    const commands = listDocumentedCommands()
      .filter(({ document, words }) => document === "docs/report.md" && servesPage(words))
      .map(({ words }) => words.slice(2));
    assert.equal(commands.length, 6);
    for (const words of commands) {
      const args: string[] = [];
      for (const word of words) {
        const [, host] = /^([\d.]+):\d+$/.exec(word) ?? [];
        args.push(host === undefined ? word : `${host}:${await freePort()}`);
      }
      const isRun = words[0] === "run";
      const command = start(isRun ? [...args, "--no-report"] : args, { cwd: folder });
      const url = await command.waitForOutput(/page of .*: (https?:\/\/[\d.:]+)/);
      if (url.startsWith("https")) {
        const local = url.replace("0.0.0.0", "127.0.0.1");
        assert.equal(await status(`${local}/api/list`, ca), 401);
        const authorization = "Bearer a-token-for-readers";
        assert.equal(await status(`${local}/api/list`, ca, { authorization }), 200);
      } else assert.equal((await fetch(`${url}/api/list`)).status, 200, args.join(" "));
      if (isRun) await command.waitForOutput(/the page stays open until Ctrl-C/);
      command.kill("SIGINT", "group");
      const { code, stderr } = await command.ended;
      assert.equal(code, isRun ? 0 : 130, stderr);
    }
  });
});
