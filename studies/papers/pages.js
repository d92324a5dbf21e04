import { posix } from "node:path";
import { formatEstimate, formatNumber, meanInterval } from "@fedclair/runs";
import { formatAs } from "../../scripts/format.js";
import { areEqual, estimate, judge, verdicts } from "./judge.js";
import { markdown } from "../support/text.js";

/** The results of a paper's claims, by their names. */
export const resultsOf = ({ folder }) => `${folder}/claims/results.json`;

export const pageOf = ({ folder, page = `${folder}/README.md` }) => page;

/**
 * Lists the figures of a paper's page: its figure, and those that a page names in addition.
 * @returns {{ path: string, files: readonly string[], draw: Function, moves?: boolean }[]} `draw`
 * takes the runs of each file; dots move along the lines of a figure that moves
 */
export function listFigures({ folder, figure, figures = {} }) {
  return Object.entries({ claims: figure, ...figures }).map(([key, one]) => ({
    ...one,
    path: `${folder}/claims/images/${key}.svg`,
  }));
}

export const readme = "docs/papers/README.md";

/**
 * Replaces the marked block of a page, and formats the page.
 * @param {string} text the page
 * @param {string} name `claims` or `table`
 * @param {string} table Markdown
 * @param {string} script that writes the block
 * @throws Error if the page has no such block
 */
export async function fillBlock(text, name, table, script = "papers") {
  const [start, end] = [`<!-- ${name}: npm run lab -- ${script} -->`, `<!-- end of ${name} -->`];
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < before)
    throw new Error(`a page lacks the lines '${start}' and '${end}'`);
  const filled = `${text.slice(0, before)}${start}\n\n${table}\n\n${text.slice(after)}`;
  return formatAs("page.md", filled);
}

/**
 * The table of a paper's claims, for its page.
 * @param results of its claims, by their names
 */
export function claimTable(paper, results) {
  const hasJudge = paper.claims.some(({ judge: rule }) => rule !== undefined);
  const rows = paper.claims.map((claim) => {
    const { quantity, expected, file, time, judge: rule } = claim;
    const { verdict, measured } = describe(claim, results);
    const command = time === undefined ? `\`${file}\`` : `\`${file}\`, ${time}`;
    const named = hasJudge ? [`\`${rule}\``] : [];
    const cell = mark(claim, verdict);
    return [claim.claim, ...named, quantity, measured, formatRange(expected), cell, command];
  });
  const judged = hasJudge ? ["judge"] : [];
  const head = ["claim", ...judged, "quantity", "measured (seeds)", "expected", "verdict", "sweep"];
  return markdown([head, ...rows]);
}

/**
 * The table of all claims, for docs/papers/README.md.
 * @param {ReadonlyMap} results of the claims of each paper
 */
export function overviewTable(papers, results) {
  const rows = papers.flatMap((paper) =>
    paper.claims.map((claim, i) => {
      const { verdict, measured } = describe(claim, results.get(paper));
      const title = i === 0 ? linkTo(paper) : "";
      const command = claim.file.endsWith(".js")
        ? `\`npm run lab -- papers --only ${paper.name} --long\``
        : `\`npx fedclair sweep ${claim.file}\``;
      return [title, claim.claim, mark(claim, verdict), measured, command];
    }),
  );
  return markdown([["paper", "claim", "verdict", "measured (seeds)", "command"], ...rows]);
}

/**
 * The table of the number of claims with each verdict, for docs/papers/README.md. Checks and our
 * own questions have columns of their own.
 */
export function countTable(papers, results) {
  const rows = papers.map((paper) => {
    const count = (verdict, claims) =>
      claims.filter((claim) => describe(claim, results.get(paper)).verdict === `_${verdict}_`)
        .length;
    const judged = paper.claims.filter(({ isCheck, isOwn }) => !isCheck && !isOwn);
    const counts = verdicts.map((verdict) => String(count(verdict, judged)));
    const passed = ["isCheck", "isOwn"].map((kind) => {
      const some = paper.claims.filter((claim) => claim[kind]);
      return some.length === 0 ? "" : `${count("holds", some)} of ${some.length}`;
    });
    return [linkTo(paper), ...counts, ...passed];
  });
  const head = ["paper", ...verdicts, "checks that hold", "our questions that hold"];
  return markdown([head, ...rows]);
}

const mark = ({ isCheck, isOwn }, verdict) =>
  isCheck ? `${verdict} (check)` : isOwn ? `${verdict} (ours)` : verdict;

/** A link from docs/papers/README.md to a paper's page. */
function linkTo(paper) {
  return `[${paper.title}](${posix.relative(posix.dirname(readme), pageOf(paper))})`;
}

/**
 * What a page says about a claim.
 * @returns {{ verdict: string, measured: string }} as the page has them
 */
export function describe(claim, results) {
  const result = results[claim.name];
  if (result === undefined) return { verdict: "not measured yet", measured: "" };
  return { verdict: `_${judge(result, claim.expected)}_`, measured: formatResult(result) };
}

/** A cell of a table: the mean of values with its interval. @param {readonly number[]} values */
export function formatValues(values) {
  return values.length > 1 ? formatResult(estimate(values)) : formatEstimate(meanInterval(values));
}

/** @param {import("./judge.js").Estimate} result */
function formatResult({ mean, low, high, n, hits, alike }) {
  if (hits !== undefined) return `${hits} of ${n} (${formatNumber(low)} … ${formatNumber(high)})`;
  if (alike) return `${tellApart({ low, high })} in ${n} of ${n}`;
  return formatEstimate({ mean, n, interval: { low, high } });
}

/** The ends of a range with the fewest digits that differ; one number if the ends are equal. */
function tellApart({ low, high }) {
  if (areEqual({ low, high })) return formatNumber(Number(low.toPrecision(12)));
  for (let digits = 3; ; digits++) {
    const [from, to] = [low, high].map((end) => end.toPrecision(digits));
    if (from !== to) return `${from} … ${to}`;
  }
}

function formatRange({ min, max }) {
  const parts = [min === undefined ? "" : `≥ ${min}`, max === undefined ? "" : `≤ ${max}`];
  return parts.filter(Boolean).join(" and ");
}
