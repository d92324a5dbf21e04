import {
  formatEstimate,
  formatNumber,
  mainRecords,
  noDescription,
  type Run,
  type RunComparison,
} from "@fedclair/runs";
import { accuracyFigure } from "../figures/accuracy-figure.js";
import { drawFigures } from "../figures/figures.js";
import { commonRounds } from "../figures/rounds.js";
import { html, table, type Html } from "./html.js";
import { htmlPage, loneFigureSection } from "./page.js";

/** Addresses of compared runs or studies, by name. A page that stands alone has none. */
export type NameLinks = ReadonlyMap<string, string>;

/**
 * A self-contained page that compares runs.
 * @param runs in the comparison's order
 */
export async function comparisonPage(
  { names, differences, areSeeds, models, measures, verdicts }: RunComparison,
  runs: readonly Run[],
  links: NameLinks = new Map(),
): Promise<string> {
  const figures = await drawFigures([
    {
      name: "runs",
      title: "Benign clients over rounds",
      caption:
        "The main arm of every run: the mean and the 10–90 % range of the benign clients that measured in all runs, each on its own data.",
      draw: (width) =>
        accuracyFigure(mainArms(names, runs), runs[0]?.description ?? noDescription, width),
    },
  ]);
  const results = verdicts.map((verdict, i) => html`<li>${names[i] ?? ""}: ${verdict}</li>`);
  const main = html`<ul class="verdict">
      ${results}
    </ul>
    ${figures.map((figure) => loneFigureSection(figure))}
    ${differingKeys(names, differences, links)}
    <section id="measures">
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
        ["measure", ...linkNames(names, links), ...(areSeeds ? ["mean"] : [])],
        measures.map(({ name, values, best, estimate }) => [
          html`<code>${name}</code>`,
          ...values.map((value, i) => {
            const text = value === undefined ? "–" : formatNumber(value);
            return best.has(i) ? html`<b>${text}</b>` : text;
          }),
          ...(areSeeds ? [estimate ? formatEstimate(estimate) : "–"] : []),
        ]),
        { hasRowHeads: true },
      )}
    </section>`;
  const title = `${String(runs.length)} runs compared`;
  return htmlPage(title, homeLink(links), main);
}

/** A table of the keys in which trial files differ. */
export function differingKeys(
  names: readonly string[],
  differences: RunComparison["differences"],
  links: NameLinks,
): Html {
  return html`<section id="differences">
    <h2>What differs in the trials</h2>
    ${
      differences.length === 0
        ? html`<p>Nothing.</p>`
        : table(
            ["key", ...linkNames(names, links)],
            differences.map(({ path, values }) => [
              html`<code>${path}</code>`,
              ...values.map((value) => value ?? "–"),
            ]),
            { hasRowHeads: true },
          )
    }
  </section>`;
}

/** Names as heads of a table. */
export function linkNames(names: readonly string[], links: NameLinks): (string | Html)[] {
  return names.map((name) => {
    const link = links.get(name);
    return link === undefined ? name : html`<a href="${link}">${name}</a>`;
  });
}

/** The way back, on a page of the live page's server. */
export function homeLink(links: NameLinks): Html {
  return links.size === 0 ? html`` : html`<p><a href="/">All runs</a></p>`;
}

/** The main arms of several runs in the rounds that all of them have, by the names of the runs. */
function mainArms(names: readonly string[], runs: readonly Run[]) {
  const records = runs.map(mainRecords);
  const rounds = commonRounds(records);
  return new Map(
    records.map((own, i) => [names[i] ?? "", own.filter(({ round }) => rounds.has(round))]),
  );
}
