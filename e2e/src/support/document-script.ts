import assert from "node:assert/strict";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { freePort } from "./free-port.js";
import { temporaryFolder, workspace } from "./paths.js";
import { runScript } from "./run-script.js";

/**
 * Runs a document as one script in an empty folder. The script has the `sh` blocks as they are. A
 * block below a line with a file name is written to that file. Other `text` blocks are left out.
 * Nothing is installed: the folder links to the packages, scripts and trials of this repository.
 * @param leavesOut selects lines of the script that are left out because they take too long
 * @param chooses selects the sections that are run, by their heading of the second level
 */
export async function runDocument(
  document: string,
  leavesOut: (line: string) => boolean = () => false,
  chooses: (heading: string) => boolean = () => true,
) {
  const folder = await temporaryFolder();
  for (const name of ["libs", "node_modules", "scripts", "studies", "trials"]) {
    await symlink(join(workspace, name), join(folder, name));
  }
  const text = await readFile(join(workspace, document), "utf8");
  const chosen = text.split(/^## /m).filter((section) => chooses(section.split("\n", 1)[0] ?? ""));
  const script = (await scriptOf(chosen.join("## ")))
    .split("\n")
    .filter((line) => !leavesOut(line));
  const { code, stdout, stderr } = await runScript(script.join("\n"), folder);
  // Whether there are colours depends on the caller's environment.
  const plain = stripVTControlCharacters;
  return { folder, code, stdout: plain(stdout), stderr: plain(stderr) };
}

/** The compiler, because Node.js before 22.18 runs no TypeScript. */
const compile =
  "node node_modules/typescript-7/bin/tsc --strict --skipLibCheck --module nodenext --target es2023 --types node";

async function scriptOf(markdown: string): Promise<string> {
  const blocks = markdown.matchAll(/(?:^`([\w./-]+)`\n\n)?^```(\w+)\n([^]*?)^```$/gm);
  const [joining, metrics, queue] = [await freePort(), await freePort(), await freePort()];
  return [...blocks]
    .map(([, file, language, text = ""]) => {
      if (language === "sh") return text;
      if (language === "text" && file === undefined) return ""; // the output of a command
      assert.ok(file !== undefined, `no file is named for the block ${text.slice(0, 80)}`);
      return `cat > ${file} <<'end of file'\n${text}end of file\n`;
    })
    .join("\n")
    .replaceAll(/^npm install$/gm, "true")
    .replaceAll("~/fedclair/", "")
    .replaceAll(/\bnode (\w+)\.ts$/gm, `${compile} $1.ts && node $1.js`)
    .replaceAll(":4000", `:${joining}`)
    .replaceAll(":9100", `:${metrics}`)
    .replaceAll(/(?<=:|--port )6379/g, String(queue));
}
