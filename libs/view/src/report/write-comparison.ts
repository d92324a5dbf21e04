import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  formatEstimate,
  formatNumber,
  makeFolder,
  mainRecords,
  type Run,
  type RunComparison,
} from "@fedclair/runs";
import { accuracyFigure } from "../figures/accuracy-figure.js";
import { drawFigures } from "../figures/figures.js";
import { html, table } from "./html.js";
import { loneFigureSection, htmlPage } from "./page.js";
import { commonRounds } from "../figures/rounds.js";

/**
 * Writes a comparison of runs into a new file, as a self-contained page.
 * @param runs in the comparison's order
 */
export async function writeComparison(
  file: string,
  { names, differences, areSeeds, models, measures, verdicts }: RunComparison,
  runs: readonly Run[],
): Promise<void> {
  const figures = await drawFigures([
    {
      name: "runs",
      title: "Benign clients over rounds",
      caption:
        "The main arm of every run: the mean and the 10–90 % range of the benign clients that measured in all runs, each on its own data.",
      draw: (width) => accuracyFigure(toArms(names, runs), width),
    },
  ]);
  const results = verdicts.map((verdict, i) => html`<li>${names[i] ?? ""}: ${verdict}</li>`);
  const main = html`<ul class="verdict">
      ${results}
    </ul>
    ${figures.map((figure) => loneFigureSection(figure))}
    <section>
      <h2>What differs in the trials</h2>
      ${
        differences.length === 0
          ? html`<p>Nothing.</p>`
          : table(
              ["key", ...names],
              differences.map(({ path, values }) => [
                html`<code>${path}</code>`,
                ...values.map((value) => value ?? "–"),
              ]),
            )
      }
    </section>
    <section>
      <h2>Measures</h2>
      <p class="note">
        ${
          areSeeds
            ? "The runs differ only by their seed, so none is better. Last column: the mean with half its 95 % Student interval."
            : "Bold: the best, where it is known which end is better."
        }
      </p>
      ${models === undefined ? undefined : html`<p>${models}.</p>`}
      ${names
        .filter((_, i) => runs[i]?.isFinished === false)
        .map(
          (name) =>
            html`<p class="mistake">
              ${name} is unfinished: its measures cover only the rounds so far.
            </p>`,
        )}
      ${table(
        ["measure", ...names, ...(areSeeds ? ["mean"] : [])],
        measures.map(({ name, values, best, estimate }) => [
          html`<code>${name}</code>`,
          ...values.map((value, i) => {
            const text = value === undefined ? "–" : formatNumber(value);
            return best.has(i) ? html`<b>${text}</b>` : text;
          }),
          ...(areSeeds ? [estimate ? formatEstimate(estimate) : "–"] : []),
        ]),
      )}
    </section>`;
  await makeFolder(dirname(file));
  const title = `${String(runs.length)} runs compared`;
  await writeFile(file, htmlPage({ title, claim: undefined }, html``, main), { flag: "wx" });
}

/** Treats the main arms of several runs as the arms of one run. */
function toArms(names: readonly string[], runs: readonly Run[]): Run {
  const [first] = runs;
  if (!first) throw new Error("there are no runs to compare");
  const arms = names.map((label) => ({ ...first.arms[0], label })) as unknown as Run["arms"];
  const records = runs.map(mainRecords);
  const rounds = commonRounds(records);
  const drawn = records.flatMap((records, i) =>
    records
      .filter(({ round }) => rounds.has(round))
      .map((record) => ({ ...record, arm: names[i] ?? "" })),
  );
  return { ...first, arms, drawn };
}
