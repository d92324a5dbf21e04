import type { PluginChoice, Trial } from "@fedclair/core/internal";
import {
  choiceText,
  countNoun,
  differenceNote,
  findMethods,
  meanNote,
  shareNote,
  type Grid,
  type SweepResults,
} from "@fedclair/runs";
import { toLatex } from "./latex-text.js";

/** What the paragraph of methods describes. */
export interface Described {
  readonly grid: Grid;
  readonly results: SweepResults;
  /** The resolved trial of each run, in the order of the grid. */
  readonly trials: readonly Trial[];
  /** The data that the runs have read, with their hashes. */
  readonly data: readonly { readonly path: string; readonly sha256: string }[];
  /** The release of fedclair, and the backends that the runs trained with. */
  readonly version: string;
  readonly backends: readonly string[];
}

/** Writes the paragraph of methods for LaTeX, with the exact settings of all trials. */
export function methodsParagraph({
  grid,
  results,
  trials,
  data,
  version,
  backends,
}: Described): string {
  const all = (pick: (trial: Trial) => readonly PluginChoice[]) =>
    listDistinct(trials.flatMap(pick).map(choiceText));
  const numbers = (pick: (trial: Trial) => unknown) => listDistinct(trials.map(pick).map(String));
  const rules = all((trial) => [trial.aggregator]);
  const baselines = listDistinct(
    trials.flatMap((trial) =>
      trial.baselines.map(({ label, aggregator, clients }) => {
        const benign = clients === "benign" ? " without the contaminated clients" : "";
        return `${label}: ${choiceText(aggregator)}${benign}`;
      }),
    ),
  );
  const attacks = listDistinct(
    trials.flatMap((trial) =>
      trial.attacks.map(({ attack, count, fraction, clients }) => {
        const who = count ?? (fraction === undefined ? (clients ?? []).length : undefined);
        const size =
          who === undefined
            ? `${100 * (fraction ?? 0)} % of the clients`
            : countNoun(who, "client");
        return `${choiceText(attack)} by ${size}`;
      }),
    ),
  );
  const mods = all(({ mods: own = [] }) => own);
  const files = listDistinct(
    data.map(({ path, sha256 }) => `${path} (SHA-256 ${sha256.slice(0, 12)}…)`),
  );
  const drawsData = trials.every(({ task, seed }) => task.dataSeed === seed);
  const cells = results.tables.flatMap((table) => table.cells.flat());
  const sentences = [
    `We ran ${results.trials} federated trials with fedclair ${version} (backend ${backends.join(", ")}).`,
    `Task: ${all(({ task }) => [drawsData ? { ...task, dataSeed: "= seed" } : task])}.`,
    ...(files === "" ? [] : [`Data: ${files}.`]),
    `Clients: ${numbers(({ clients }) => clients)}; rounds: ${numbers(({ rounds }) => rounds)}; cohort: ${listDistinct(trials.map(({ cohort }) => (cohort === "all" ? "all clients" : JSON.stringify(cohort))))}.`,
    `${findMethods(grid) ? "Aggregators" : "Aggregator"}: ${rules}.`,
    ...(baselines === "" ? [] : [`Baselines, paired with the same seed and data: ${baselines}.`]),
    attacks === "" ? "No client was contaminated." : `Attacks: ${attacks}.`,
    ...(mods === "" ? [] : [`Every update passed ${mods}.`]),
    `Seeds: ${results.seeds.join(", ")}.`,
    ...results.notes,
    ...(cells.some((cell) => cell?.interval && !cell.counts) ? [meanNote] : []),
    ...(cells.some((cell) => cell?.counts) ? [shareNote] : []),
    ...(results.differences.length === 0 ? [] : [differenceNote(results)]),
    "The trial files of all runs are in the archive; with their data, the release and the backend they determine every number.",
  ];
  // Spaces let LaTeX break the lines of options that are mappings.
  const spaced = sentences.map((text) => text.replace(/([,:])(?=["{[])/g, "$1 "));
  return `${spaced.map(toLatex).join("\n")}\n`;
}

function listDistinct(texts: readonly string[]): string {
  return [...new Set(texts)].join("; ");
}
