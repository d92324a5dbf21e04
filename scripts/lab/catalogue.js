import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * @typedef {object} LabScript
 * @property {string} name the word after `npm run lab --`
 * @property {string} file path from the workspace's root
 * @property {readonly string[]} [args] arguments that come before those of the user
 * @property {boolean} [needsBuild] default true
 * @property {string} summary one line for the list
 */

const root = resolve(import.meta.dirname, "../..");

/** Every script of the laboratory, by group. */
const all = {
  "How well CLAIR detects": [
    {
      name: "calibrate",
      file: "studies/clair/calibrate.js",
      summary: "false alarms in federations where nobody is contaminated (docs/clair-evidence.md)",
    },
    {
      name: "separation",
      file: "studies/clair/separation.js",
      summary:
        "rules gap and evidence compared with a plain reference rule (docs/clair-evidence.md)",
    },
    {
      name: "check-power",
      file: "studies/clair/check-power.js",
      summary:
        "what fedclair power foretells, and what attacks of the same kinds meet (docs/clair-evidence.md)",
    },
    {
      name: "rules",
      file: "studies/clair/rules.js",
      summary:
        "clients flagged by rules gap and evidence in the shipped trials (docs/clair-evidence.md)",
    },
    {
      name: "refinement",
      file: "studies/clair/refinement.js",
      summary:
        "refined changes, kept by all or chosen on held-back data, and training alone (docs/clair-evidence.md)",
    },
    {
      name: "attacks",
      file: "studies/clair/attacks.js",
      summary: "one table of a finished sweep over attacks: found, harm (docs/clair-evidence.md)",
    },
    {
      name: "honest",
      file: "studies/clair/honest.js",
      summary:
        "one table of a finished sweep: how often honest clients are left out (docs/clair-evidence.md)",
    },
    {
      name: "natural",
      file: "studies/clair/natural.js",
      summary:
        "how often honest institutions, places and people are left out (docs/clair-evidence.md)",
    },
    {
      name: "attack-search",
      file: "studies/clair/attack-search.js",
      summary:
        "search the update that harms a rule most without being flagged (docs/clair-evidence.md)",
    },
    {
      name: "detectors",
      file: "studies/adapters/detectors.js",
      summary:
        "fedclair audit next to other detectors, on pools of adapters (docs/clair-evidence.md)",
    },
    {
      name: "adapters",
      file: "studies/adapters/adapters.js",
      summary: "train LoRA adapters with PEFT and audit them (docs/adapters.md)",
    },
    {
      name: "llm",
      file: "studies/llm/llm.js",
      summary: "a federation that fine-tunes a language model (docs/llm.md)",
    },
    {
      name: "papers",
      file: "studies/papers/papers.js",
      summary: "test the papers' claims, and write the numbers of docs/papers",
    },
    {
      name: "clair-figures",
      file: "studies/clair/clair-figures.js",
      summary: "the figures of docs/clair.md",
    },
  ],
  "How fast and how robust fedclair is": [
    {
      name: "bench",
      file: "bench/run.js",
      summary: "time fedclair on this machine (docs/performance.md)",
    },
    {
      name: "bench-peers",
      file: "bench/run.js",
      args: ["--peers"],
      summary: "the same next to NumPy, PyTorch and Flower",
    },
    {
      name: "bench-compare",
      file: "bench/compare.js",
      needsBuild: false,
      summary: "list what got slower or faster between two results of a bench",
    },
    {
      name: "bench-audit",
      file: "bench/audit.js",
      summary: "time `fedclair audit` on random adapters (docs/performance.md)",
    },
    {
      name: "bench-scale",
      file: "bench/scale.js",
      summary: "time CLAIR by clients, rank, rows and modules (docs/performance.md)",
    },
    {
      name: "bench-updates",
      file: "bench/updates.js",
      summary: "memory and stalls of a coordinator with large updates (docs/many-machines.md)",
    },
    {
      name: "million",
      file: "studies/speed/million.js",
      summary: "1.5 million clients once each, killed and resumed (docs/performance.md); an hour",
    },
    {
      name: "backends",
      file: "studies/speed/backends.js",
      summary: "CPU time on TensorFlow and on WebAssembly (docs/backends.md)",
    },
    {
      name: "hostile",
      file: "scripts/hostile.js",
      summary: "run a host that breaks the protocol next to a well-behaved one",
    },
    {
      name: "firefox",
      file: "scripts/firefox.js",
      summary: "the live page and a tab as a client host in Debian's Firefox (docs/browser.md)",
    },
  ],
  "Same numbers, and generated files": [
    {
      name: "fingerprint",
      file: "scripts/fingerprint.js",
      needsBuild: false,
      summary: "record the results of all trials, or compare two such records",
    },
    {
      name: "cases",
      file: "scripts/cases.js",
      summary: "run files of reference cases against the public functions",
    },
    {
      name: "audit-schema",
      file: "scripts/audit-schema.js",
      summary: "write docs/audit.schema.json",
    },
    {
      name: "reference",
      file: "scripts/reference.js",
      summary: "write the pages of docs/reference and docs/output.schema.json",
    },
    {
      name: "gallery",
      file: "scripts/gallery.js",
      summary: "run the shipped trials, and write docs/gallery.md with a picture of each",
    },
    {
      name: "python-proto",
      file: "scripts/python-proto.js",
      needsBuild: false,
      summary: "write the messages of apps/client-python from proto/",
    },
    {
      name: "own-data",
      file: "scripts/own-data.js",
      summary: "write the small tables of trials/*/own-data.yaml (docs/own-data.md)",
    },
    {
      name: "federations",
      file: "studies/federations/fetch-federations.js",
      needsBuild: false,
      summary: "fetch the data of real federations (docs/own-data.md)",
    },
    {
      name: "pretrain",
      file: "scripts/pretrain.js",
      summary: "train the base models of the task text-copy (about a minute)",
    },
  ],
};

/**
 * The scripts that this checkout has, by group.
 * @type {Readonly<Record<string, readonly LabScript[]>>}
 */
export const labScripts = Object.fromEntries(
  Object.entries(all).map(([group, scripts]) => [
    group,
    scripts.filter(({ file }) => existsSync(join(root, file))),
  ]),
);

/** @returns {LabScript | undefined} */
export function findLabScript(name) {
  return Object.values(labScripts)
    .flat()
    .find((script) => script.name === name);
}
