import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { excerpt, UserError } from "@fedclair/core";
import { version } from "@fedclair/runs";
import { templateFolder } from "./templates.js";

export interface NewOptions {
  /** One of `templates`. */
  readonly template: string;
}

/** Placeholders in the templates. The line of the installation may be several lines, or none. */
const placeholders = {
  name: "my-study",
  release: "fedclair-version",
  install: "fedclair-install\n",
  checkout: "fedclair-checkout",
};

/** What a study needs to run and to be tested. */
const needed = ["fedclair/package.json", "@fedclair/core", "zod", "mocha/package.json"];

/** The root of the repository, if this is a checkout and no installed package. */
const checkout = fileURLToPath(new URL("../../../../..", import.meta.url));
const isCheckout = existsSync(join(checkout, "apps/cli/src/new/new.ts"));

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
  // Node.js copies no folder over a link to one.
  await cp(join(templateFolder, template), await realpath(folder), { recursive: true });
  // The template's file has another name because npm does not publish .gitignore files.
  await rename(join(folder, "gitignore"), join(folder, ".gitignore"));
  const install = listInstallCommands(folder);
  const values = {
    [placeholders.name]: name,
    [placeholders.release]: `^${version}`,
    [placeholders.install]: install.map((line) => `${line}\n`).join(""),
    [placeholders.checkout]: isCheckout ? relative(resolve(folder), checkout) : "../fedclair",
  };
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) await fillIn(join(file.parentPath, file.name), values);
  }
  const place = relative("", folder);
  const next = [...(place === "" ? [] : [`cd ${place}`]), ...install, "npm test", "npm start"];
  const steps = next.map((step) => `  ${step}\n`).join("");
  return `created a study from the template ${template}; next steps:\n\n${steps}${await formatPythonHint(folder)}`;
}

/**
 * Lists the commands that install fedclair for a study, which is not on npm yet: none if the study
 * finds it in a folder above, as in a checkout or next to an installation.
 */
function listInstallCommands(folder: string): string[] {
  const require = createRequire(join(resolve(folder), "package.json"));
  const isFound = (name: string) => {
    try {
      require.resolve(name);
      return true;
    } catch {
      return false;
    }
  };
  if (needed.every(isFound)) return [];
  if (!isCheckout) {
    return [
      `# fedclair is not on npm yet: "Packages and releases" in its CONTRIBUTING.md says how to pack these tarballs`,
      "npm install /tmp/fedclair*.tgz",
    ];
  }
  const root = relative(resolve(folder), checkout);
  return [
    "mkdir packages",
    `npm --prefix ${root} pack --silent --workspace libs --workspace apps --pack-destination "$PWD/packages"`,
    "npm install ./packages/*.tgz",
  ];
}

/** Says what `npm start` needs, if its hosts run in Python. */
async function formatPythonHint(folder: string): Promise<string> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  return readme.includes("-m venv")
    ? "\nnpm start needs a virtual environment with fedclair-host in .venv: README.md says how to make it.\n"
    : "";
}

async function fillIn(file: string, values: Readonly<Record<string, string>>): Promise<void> {
  const text = await readFile(file, "utf8");
  let filled = text;
  for (const [placeholder, value] of Object.entries(values)) {
    filled = filled.replaceAll(placeholder, () => value);
  }
  if (filled !== text) await writeFile(file, filled);
}
