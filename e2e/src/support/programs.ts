import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Skips the tests of a suite, with a message, if one of the programs that they need is missing. */
export function requirePrograms(...programs: readonly string[]): void {
  before(async function () {
    for (const program of programs) {
      const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
      const location = await promisify(execFile)("which", [program], { env }).catch(
        () => undefined,
      );
      if (location) continue;
      process.stderr.write(
        `tests with ${program} are skipped: it is not installed; ${installerOf(program)}\n`,
      );
      this.skip();
    }
  });
}

/** The command that installs a program. */
function installerOf(program: string): string {
  return program === "chromium" ? "npm run test:browser" : "npm run test:services";
}
