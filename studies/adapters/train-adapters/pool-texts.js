// Texts from the npm registry for pools: READMEs, licences and speeches as files. pool_texts.py
// writes the other kinds.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolder } from "@fedclair/tasks/internal";
import { writeSpeeches } from "./texts.js";

const installed = fileURLToPath(new URL("../../../node_modules", import.meta.url));

const licenceList = {
  name: "spdx-license-list",
  version: "6.12.0",
  integrity:
    "sha512-+nUYqm3aZMSHbjsthK+i/HHI2okTElCvqwUd4k8QcSk+FTGgjq+fsdFj2wZOaX6XmR2JdWhf/NeflNnvKOjcnQ==",
};

/** Characters of the shortest source that is written, and characters used of a longer one. */
const [smallest, largest] = [6000, 60_000];

/** Writes `<kind>/<source>.txt` into a folder. */
export async function writePoolTexts(folder) {
  await writeSpeeches(join(folder, "speeches"));
  await writeSources(join(folder, "licences"), await licences());
  await writeSources(join(folder, "readmes"), await readmes());
}

/** One version of each family of licences: `GPL-3.0-only` stands for all GPLs. */
async function licences() {
  const folder = join(await packageFolder(licenceList, "licences need it"), "licenses");
  const byFamily = new Map();
  for (const file of (await readdir(folder)).sort()) {
    const family = file.split(/-\d|\.json$/)[0].replace(/^[AL]?GPL/, "GPL");
    const { licenseText } = JSON.parse(await readFile(join(folder, file), "utf8"));
    byFamily.set(family, [family, licenseText]);
  }
  return [...byFamily.values()];
}

/** READMEs of the packages that this repository installs. */
async function readmes() {
  const folders = [];
  for (const entry of (await readdir(installed)).sort()) {
    if (!entry.startsWith("@")) folders.push(entry);
    else folders.push(...(await readdir(join(installed, entry))).map((name) => `${entry}/${name}`));
  }
  const found = await Promise.all(
    folders.map(async (name) => {
      const files = await readdir(join(installed, name)).catch(() => []);
      const file = files.find((one) => /^readme\.md$/i.test(one));
      return file === undefined
        ? undefined
        : [name, await readFile(join(installed, name, file), "utf8")];
    }),
  );
  return found.filter((one) => one !== undefined);
}

async function writeSources(folder, sources) {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of sources) {
    if (text.length < smallest) continue;
    const file = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "");
    await writeFile(join(folder, `${file}.txt`), text.slice(0, largest));
  }
}
