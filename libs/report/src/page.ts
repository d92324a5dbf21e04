import { verdictSentence, type Run } from "@fedclair/runs";
import { stringify } from "yaml";
import { Html, html, preformatted } from "./html.js";
import { clientSection, failureSection } from "./client-sections.js";
import { createFacts } from "./facts.js";
import { measureSection } from "./measure-section.js";
import { comparisonSection, armSection } from "./arm-section.js";
import { pageStyle } from "./page-style.js";

/** A figure in the page; its files are `figures/<name>.{svg,png,vl.json}`. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

/** The report of a run: a single, self-contained page. */
export function renderPage(run: Run, figures: readonly Figure[]): string {
  const { trial } = run;
  return htmlPage(
    { title: trial.name, claim: trial.claim },
    html`<p class="verdict">${verdictSentence(run)}</p>
      ${createFacts(run)}`,
    html`${figures.map(figureSection)} ${comparisonSection(run)} ${clientSection(run)}
      ${failureSection(run)} ${measureSection(run)} ${armSection(run)}
      <details>
        <summary>The trial file, with every default filled in</summary>
        <pre>${preformatted(stringify(trial))}</pre>
      </details>`,
  );
}

/** The frame of every page. */
export function htmlPage(
  { title, claim }: { readonly title: string; readonly claim: string | undefined },
  head: Html,
  main: Html,
): string {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}: report</title>
        <style>
          ${new Html(pageStyle)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          ${claim === undefined ? undefined : html`<p class="claim">${claim}</p>`} ${head}
        </header>
        <main>${main}</main>
      </body>
    </html> `;
  return whole.text;
}

/** A figure with links to its files in the folder next to the page. */
export function figureSection(figure: Figure): Html {
  const file = (ending: string) => html`<a href="figures/${figure.name}.${ending}">${ending}</a>`;
  const files = html`Files: ${file("svg")} ${file("png")} ${file("vl.json")}`;
  return loneFigureSection(figure, { files });
}

/**
 * A figure of a self-contained page.
 * @param lead text before the figure
 * @param files links after the caption
 */
export function loneFigureSection(
  { title, caption, svg }: Figure,
  { lead, files }: { readonly lead?: Html; readonly files?: Html } = {},
): Html {
  return html`<section>
    <h2>${title}</h2>
    ${lead}
    <figure role="img" aria-label="${title}">
      <div class="drawing">${new Html(svg)}</div>
      <figcaption>${caption} ${files}</figcaption>
    </figure>
  </section>`;
}
