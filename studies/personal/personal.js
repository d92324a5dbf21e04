// npm run lab -- personal [--long] [--only NAME]… [--seeds N] [--write]: personal methods beside
// CLAIR, under attack. Each method runs at the rate and options that are best on a held-out seed
// with nobody contaminated. The short form has three conditions and three or ten seeds, and takes
// minutes; --long has seven conditions and ten seeds, which takes hours. Finished runs of the same
// code are kept in runs/personal. With --write the tables of docs/personal.md are written.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { parseArguments } from "../../scripts/arguments.js";
import { fillBlock } from "../papers/pages.js";
import { arms, conditions, federations, rates, tuningSeed } from "./settings.js";
import { Runs } from "./runs.js";
import { accuracyTable, differenceTable, rivalList, summarize } from "./tables.js";

const { values } = parseArguments({
  options: {
    long: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: Object.keys(federations) },
    seeds: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const page = "docs/personal.md";
const chosen = Object.entries(conditions).slice(0, values.long ? undefined : 3);
const images = "runs/federations/fashion-mnist";
const names = values.only.filter((name) => {
  if (!(name in federations)) {
    console.error(
      `error: no federation '${name}': expected ${Object.keys(federations).join(", ")}`,
    );
    process.exit(2);
  }
  if (name !== "fashion" || existsSync(images)) return true;
  console.error("fashion is left out: npm run lab -- federations fetches its images");
  return false;
});

await loadBackend("wasm");
const runs = new Runs("runs/personal", await loadBuiltIn());
const results = {};
const parts = [];
for (const name of names) {
  const { what, seeds: few } = federations[name];
  const seeds = Number(values.seeds ?? (values.long ? 10 : few));
  const best = {};
  const outcomes = {};
  for (const [arm, settings] of Object.entries(arms)) {
    best[arm] = await tune(name, settings);
    outcomes[arm] = {};
    for (const [condition, attacks] of chosen) {
      outcomes[arm][condition] = [];
      for (let seed = 1; seed <= seeds; seed++)
        outcomes[arm][condition].push(
          summarize(await runs.of(name, { ...best[arm], attacks, seed })),
        );
    }
    console.error(`${name}: ${arm}`);
  }
  results[name] = outcomes;
  const choices = Object.fromEntries(
    Object.entries(best).map(([arm, one]) => [arm, optionText(one)]),
  );
  parts.push(
    `### ${what}, ${seeds} seeds`,
    accuracyTable(outcomes, choices),
    differenceTable(outcomes),
  );
}
const blocks = { rivals: rivalList(results), results: parts.join("\n\n") };
console.log(Object.values(blocks).join("\n\n"));
if (values.write) {
  let text = await readFile(page, "utf8");
  for (const [name, block] of Object.entries(blocks))
    text = await fillBlock(text, name, block, "personal");
  await writeFile(page, text);
}
process.exit(0); // CLAIR leaves threads behind

/**
 * Chooses the rate and the options of an arm by the mean accuracy on own data.
 * @param {string} name
 * @param {import("./settings.js").Arm} arm
 */
async function tune(name, { aggregator, choices = [undefined] }) {
  let best;
  let most = -1;
  for (const personal of choices) {
    for (const rate of rates) {
      const run = { rate, aggregator, personal };
      const { own } = summarize(await runs.of(name, { ...run, attacks: [], seed: tuningSeed }));
      if (own > most) [best, most] = [run, own];
    }
  }
  return best;
}

function optionText({ rate, personal = {} }) {
  const options = Object.entries(personal).filter(([key]) => key !== "name");
  return [rate, ...options.map(([key, value]) => `${key} ${value}`)].join(", ");
}
