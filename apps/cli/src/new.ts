import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { excerpt, UserError } from "@fedclair/core";
import { version } from "@fedclair/runs";
import { templateFolder } from "./templates.js";

export interface NewOptions {
  /** One of `templates`. */
  readonly template: string;
}

/** Placeholders in the templates for the name of the study and the fedclair release. */
const placeholders = { name: "my-study", release: "fedclair-version" };

/** The same advice is in the README of every template. */
const tarballAdvice =
  "Until fedclair is on npm, replace npm install with npm install /tmp/fedclair*.tgz.\n" +
  'The section "Packages and releases" of fedclair\'s CONTRIBUTING.md says how to pack these tarballs.\n';

/**
 * `fedclair new`: creates a study with a trial, plug-ins and their tests in a new folder.
 * @returns a text with the next steps
 * @throws UserError if the folder is not empty, or its name is not valid for a study
 */
export async function newStudy(folder: string, { template }: NewOptions): Promise<string> {
  const name = basename(resolve(folder));
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(name)) {
    throw new UserError(
      `'${excerpt(name)}' names a package and a trial: expected lower-case letters, digits and hyphens`,
    );
  }
  const entries = await readdir(folder).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return [];
    throw error;
  });
  if (entries.length > 0) {
    throw new UserError(
      `the folder '${folder}' is not empty: choose another, nothing is overwritten`,
    );
  }
  await mkdir(folder, { recursive: true });
  await cp(join(templateFolder, template), folder, { recursive: true });
  // The template's file has another name because npm does not publish .gitignore files.
  await rename(join(folder, "gitignore"), join(folder, ".gitignore"));
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) await fillIn(join(file.parentPath, file.name), name);
  }
  const place = relative("", folder);
  const next = [...(place === "" ? [] : [`cd ${place}`]), "npm install", "npm test", "npm start"];
  const steps = next.map((step) => `  ${step}\n`).join("");
  return `created a study from the template ${template}; next steps:\n\n${steps}\n${tarballAdvice}${await formatPythonHint(folder)}`;
}

/** Says what `npm start` needs, if its hosts run in Python. */
async function formatPythonHint(folder: string): Promise<string> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  return readme.includes("-m venv")
    ? "\nnpm start needs a virtual environment with fedclair-host in .venv: README.md says how to make it.\n"
    : "";
}

async function fillIn(file: string, name: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const filled = text
    .replaceAll(placeholders.name, name)
    .replaceAll(placeholders.release, `^${version}`);
  if (filled !== text) await writeFile(file, filled);
}
