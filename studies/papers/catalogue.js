import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listMethods } from "../../scripts/shipped.js";

/**
 * @typedef {import("./runs.js").Run} Run
 *
 * @typedef {object} Claim
 * @property {string} name unique within its paper
 * @property {string} claim one sentence, in the paper's own terms
 * @property {string} file the sweep, or the trial with several seeds, that tests it; or a module
 * whose `measure` returns the runs
 * @property {() => Promise<void>} [prepare] fetches the sweep's data; throws without them
 * @property {string} [time] CPU time of a long sweep, which runs with --long only
 * @property {string} quantity what is measured
 * @property {(runs: readonly Run[]) => Parameters<typeof import("./judge.js").estimate>[0]} measure
 * @property {{ readonly min?: number, readonly max?: number }} expected
 * @property {boolean} [isCheck] whether it only tests our own code, as a theorem restated or data
 * that the model itself simulated do: then it is no verdict on the paper
 * @property {boolean} [isOwn] whether the question is ours, and the abstract does not claim it:
 * then it is counted apart, like a check
 * @property {boolean} [isTimed] whether the quantity is a time, which differs between machines
 * @property {readonly Fault[]} [faults] each breaks the method so that the claim does not hold
 * @property {string} [judge] the rule that judges, of a method that has several
 * @property {Readonly<Record<string, string>>} [reads] the labels of the runs that `measure` gets;
 * default: all runs of the file
 *
 * @typedef {object} Fault a piece of built code, and what replaces it
 * @property {string} file
 * @property {string} from occurs once in the file
 * @property {string} to
 *
 * @typedef {object} Paper
 * @property {string} name for --only
 * @property {string} folder of the package that has its claims
 * @property {string} [page] its page, if it is not README.md of the folder
 * @property {string} title
 * @property {readonly Claim[]} claims
 * @property {object} [table] the page's table, computed from the runs of its files, in their order
 * @property {Readonly<Record<string, object>>} [tables] further ones, by the name of their block
 * @property {object} figure a Vega-Lite figure of the runs of its files, in their order
 * @property {Readonly<Record<string, object>>} [figures] further ones, by the end of their files'
 * names
 */

const root = join(import.meta.dirname, "../..");
const claimsOf = (folder) => join(root, folder, "claims/index.js");

/**
 * The papers with a page, in the order of docs/papers/README.md: the folders of packages that have
 * claims.
 * @type {readonly Paper[]}
 */
export const papers = await Promise.all(
  ["libs/clair", "libs/rules", ...listMethods()]
    .filter((folder) => existsSync(claimsOf(folder)))
    .map(async (folder) => {
      const { paper } = await import(pathToFileURL(claimsOf(folder)).href);
      return { folder, ...paper };
    }),
);
