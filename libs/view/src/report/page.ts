import { printable } from "@fedclair/core/internal";
import { verdictCard, verdictSentence, type Run } from "@fedclair/runs";
import { stringify } from "yaml";
import { answerList } from "./answer.js";
import type { Figure } from "../figures/figures.js";
import { Html, html, preformatted, table } from "./html.js";
import { clientSection, failureSection } from "./client-sections.js";
import { hashSource } from "./hash-source.js";
import { readPageFile } from "./page-site.js";
import { influenceSection } from "./influence-section.js";
import type { Influence } from "../data/influences.js";
import { measureSection } from "./measure-section.js";
import { comparisonSection, armSection } from "./arm-section.js";

/** Limit for a notice, which may come from a folder of others. */
const maxNoticeBytes = 2000;

/**
 * The report of a run: a single, self-contained page.
 * @param influences what leaving out clients changed
 * @returns a function that adds the text of `packRounds`, if there is any
 */
export function createPage(
  run: Run,
  [first, ...figures]: readonly Figure[],
  influences: readonly Influence[],
): (rounds?: string) => string {
  const { trial } = run;
  const { tone, parts, who = [] } = verdictCard(run);
  const card = html`<p class="verdict ${tone}">${parts.join(" · ")}</p>`;
  const { notices = [] } = run.summary;
  const answer = html`${parts.length === 0 ? undefined : card}
  ${who.map((line) => html`<p class="who">${line}</p>`)}
  ${notices.map((notice) => html`<p class="note">${printable(notice, maxNoticeBytes)}</p>`)}`;
  // Below the figure, because print unfolds it: the figure would not fit on the first page.
  const inWords = html`<details>
    <summary>In words: who, by how much, and at what cost</summary>
    <p>${verdictSentence(run)}</p>
    ${answerList(run)}
  </details>`;
  const rest = html`${influenceSection(run, influences)} ${figures.map(figureSection)}
    ${comparisonSection(run)} ${clientSection(run)} ${failureSection(run)} ${measureSection(run)}
    ${armSection(run)} ${optionDetails(run)}
    <details>
      <summary>The trial file, with every default filled in</summary>
      <pre>${preformatted(stringify(trial))}</pre>
    </details>`;
  return (rounds) =>
    htmlPage(
      trial.name,
      answer,
      html`${first && figureSection(first)} ${inWords} ${claimText(trial.claim)}
      ${rounds === undefined ? undefined : roundsSection(rounds)} ${rest}`,
    );
}

/** A folded table of the options that are not at their defaults. */
function optionDetails({ description: { changes } }: Run): Html | undefined {
  const shown = changes?.filter(({ path }) => path !== "name" && path !== "claim") ?? [];
  if (shown.length === 0) return undefined;
  return html`<details>
    <summary>The options that differ from their defaults (${shown.length})</summary>
    ${table(
      ["option", "value"],
      shown.map(({ path, value }) => [
        html`<code>${path}</code>`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    )}
  </details>`;
}

/** The place in which the script shows the rounds. Readers without scripts do not see it. */
function roundsSection(data: string): Html {
  return html`<section
      id="rounds"
      aria-labelledby="rounds-title"
      data-title="Round by round"
    ></section>
    ${new Html(`<script type="text/plain" id="rounds-data">${data}</script>`)}`;
}

/** What the author of a trial or a sweep claims. Every page says first what came out. */
export function claimText(claim: string | undefined): Html | undefined {
  return claim === undefined ? undefined : html`<p class="claim">${claim}</p>`;
}

/**
 * The frame of every page. Its script sorts tables, shows values in figures and moves through
 * rounds; without it everything else stays readable. The content security policy allows only this
 * script and this style.
 */
export function htmlPage(title: string, head: Html, main: Html): string {
  const [script, style] = [readPageFile("report.js"), readPageFile("report.css")];
  const policy = `default-src 'none'; script-src ${hashSource(script)}; style-src ${hashSource(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}: report</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          ${head} ${contentsOf(main)}
        </header>
        <main>${main}</main>
        ${new Html(`<script>${script}</script>`)}
      </body>
    </html> `;
  return whole.text;
}

/** Shorter pages are read without a table of contents. */
const minContents = 4;

/**
 * The table of contents of a page: its sections that have an address and a heading, or get one from
 * the script.
 */
function contentsOf({ text }: Html): Html | undefined {
  const sections =
    /<section id="([\w-]+)"(?:[^>]*data-title="([^"]*)"|[^>]*>\s*<h2[^>]*>(.*?)<\/h2>)/g;
  const found = [...text.matchAll(sections)];
  if (found.length < minContents) return undefined;
  const links = found.map(
    ([, id = "", later, title = later ?? ""]) => new Html(`<a href="#${id}">${title}</a>`),
  );
  return html`<nav class="contents" aria-label="Contents">${links}</nav>`;
}

/** A figure with links to its files in the folder next to the page. */
export function figureSection(figure: Figure): Html {
  const file = (ending: string) => html`<a href="figures/${figure.name}.${ending}">${ending}</a>`;
  const files = html`Files: ${file("svg")} ${file("png")} ${file("csv")} ${file("vl.json")}`;
  return loneFigureSection(figure, { files });
}

/**
 * A figure of a self-contained page.
 * @param lead text before the figure
 * @param files links after the caption
 */
export function loneFigureSection(
  { name, title, caption, svg, narrow, moves }: Figure,
  { lead, files }: { readonly lead?: Html; readonly files?: Html } = {},
): Html {
  return html`<section id="figure-${name}">
    <h2>${title}</h2>
    ${lead}
    <figure data-moves="${moves ?? ""}">
      ${drawingOf(svg, title, narrow === undefined ? "drawing" : "drawing at-wide")}
      ${narrow === undefined ? undefined : drawingOf(narrow, title, "drawing at-narrow")}
      <figcaption>${caption} ${files}</figcaption>
    </figure>
  </section>`;
}

function drawingOf(svg: string, title: string, name: string): Html {
  const labelled = html`<svg role="img" aria-label="${title}"`.text;
  return html`<div class="${name}">${new Html(svg.replace("<svg", () => labelled))}</div>`;
}
