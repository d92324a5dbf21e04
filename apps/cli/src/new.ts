import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { excerpt, UserError } from "@fedclair/core";
import { version } from "@fedclair/runs";
import { templateFolder } from "./templates.js";

export interface NewOptions {
  /** One of `templates`. */
  readonly template: string;
}

/** What the templates call the study, and the releases that it needs. */
const placeholders = { name: "my-study", release: "fedclair-version" };

/**
 * `fedclair new`: writes a study of one's own, with a trial, plug-ins, and their tests, into a new folder.
 * @returns what to do next, for people
 * @throws UserError for a folder that is not empty, or no name for a study
 */
export async function newStudy(folder: string, { template }: NewOptions): Promise<string> {
  const name = basename(resolve(folder));
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(name)) {
    throw new UserError(
      `'${excerpt(name)}' names a package and a trial: expected lower-case letters, digits and hyphens`,
    );
  }
  const held = await readdir(folder).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw error;
  });
  if (held.length > 0) {
    throw new UserError(
      `the folder '${folder}' is not empty: choose another, nothing is overwritten`,
    );
  }
  await mkdir(folder, { recursive: true });
  await cp(join(templateFolder, template), folder, { recursive: true });
  // npm would leave a .gitignore out of the package.
  await rename(join(folder, "gitignore"), join(folder, ".gitignore"));
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) await fillIn(join(file.parentPath, file.name), name);
  }
  const place = relative("", folder);
  const next = [...(place === "" ? [] : [`cd ${place}`]), "npm install", "npm test", "npm start"];
  const steps = next.map((step) => `  ${step}\n`).join("");
  return `a study after the template ${template}; next:\n\n${steps}${await beside(folder)}`;
}

/** What has to run in another terminal, if clients live in a host of another language: `npm start` waits for it. */
async function beside(folder: string): Promise<string> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const [host] = /^\S*fedclair-host .*$/m.exec(readme) ?? [];
  if (host === undefined) return "";
  return `\nnpm start waits for the clients' host; start it in another terminal (README.md says how to install it):\n\n  ${host}\n`;
}

async function fillIn(file: string, name: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const filled = text
    .replaceAll(placeholders.name, name)
    .replaceAll(placeholders.release, `^${version}`);
  if (filled !== text) await writeFile(file, filled);
}
