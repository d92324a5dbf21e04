import { alberdice } from "./alberdice.js";
import { bias } from "./bias.js";
import { clair } from "./clair.js";
import { copyAverage } from "./copy-average.js";
import { logspect } from "./logspect.js";
import { lora } from "./lora.js";
import { transport } from "./transport.js";

/**
 * @typedef {import("./runs.js").Run} Run
 *
 * @typedef {object} Claim
 * @property {string} name unique within its paper
 * @property {string} claim one sentence, in the paper's own terms
 * @property {string} file the sweep, or the trial with several seeds, that tests it; or a module of
 * this folder whose `measure` returns the runs
 * @property {() => Promise<void>} [prepare] fetches the sweep's data; throws without them
 * @property {string} [time] CPU time of a long sweep, which runs with --long only
 * @property {string} quantity what is measured
 * @property {(runs: readonly Run[]) => Parameters<typeof import("./judge.js").estimate>[0]} measure
 * @property {{ readonly min?: number, readonly max?: number }} expected
 *
 * @typedef {object} Paper
 * @property {string} name of its page, docs/papers/NAME.md, and of its figure
 * @property {string} [page] its page, if it is another one
 * @property {string} title
 * @property {readonly Claim[]} claims
 * @property {object} [table] the page's table, computed from the runs of its files, in their order
 * @property {Readonly<Record<string, object>>} [tables] further ones, by the name of their block
 * @property {object} figure a Vega-Lite figure of the runs of its files, in their order
 * @property {Readonly<Record<string, object>>} [figures] further ones, by the end of their files'
 * names
 */

/** The papers with a page, in the order of docs/papers/README.md. @type {readonly Paper[]} */
export const papers = [clair, logspect, copyAverage, bias, transport, alberdice, lora];
