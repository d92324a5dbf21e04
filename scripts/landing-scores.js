// Runs the playground's usual federation, and writes the scores of its rounds for the first page of
// the documentation's site: docs/.vitepress/theme/scores.json. A test compares its first round.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatAs } from "./format.js";
import { play } from "../apps/client-browser/dist/playground/engine.js";
import { trialText, usual } from "../apps/client-browser/dist/playground/settings.js";

const rounds = [];
const collect = (one) => {
  if (one.kind === "round" && one.round.a === 0) rounds.push(JSON.parse(one.line).clients);
};
await play(trialText(usual), collect, { version: "", backend: "wasm" });
const [first] = rounds;
const scores = {
  attacked: first.flatMap(({ attack }, client) => (attack === null ? [] : [client])),
  ratios: rounds.map((clients) =>
    clients.map(({ score, threshold }) => Number((score / threshold).toPrecision(3))),
  ),
};
const file = join(import.meta.dirname, "../docs/.vitepress/theme/scores.json");
await writeFile(file, await formatAs("scores.json", JSON.stringify(scores)));
