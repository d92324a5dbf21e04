import { UserError } from "@fedclair/core";
import { commandName, print } from "@fedclair/runs";
import { writePaper } from "@fedclair/view";
import { openSweep } from "./open-sweep.js";

interface PaperOptions {
  readonly out?: string;
  readonly author?: string;
  readonly organization?: string;
  readonly license?: string;
}

/**
 * `fedclair paper`: writes what a paper needs of a sweep: LaTeX, figures as PDF and an archive.
 * @throws UserError if the folder holds no finished sweep or study
 */
export async function paper(
  folder: string,
  { out = `${folder.replace(/[/\\]+$/, "")}-paper`, ...by }: PaperOptions,
): Promise<void> {
  const sweep = await openSweep(folder);
  if (!sweep)
    throw new UserError(
      `'${folder}' holds no study or sweep: run one by ${commandName()} sweep, or by ${commandName()} run with --seeds`,
    );
  const written = await writePaper(folder, sweep, out, by);
  print(written.map((path) => `${path}\n`).join(""));
}
