import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** For a suite whose tests take these programs: skips them, with a word, where one is missing. */
export function takesPrograms(...programs: readonly string[]): void {
  before(async function () {
    for (const program of programs) {
      const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
      const found = await promisify(execFile)("which", [program], { env }).catch(() => undefined);
      if (found) continue;
      process.stderr.write(
        `tests with ${program} are skipped: it is not installed; npm run test:services\n`,
      );
      this.skip();
    }
  });
}
