import {
  clair,
  findThresholds,
  makeBank,
  scoreClients,
  readShippedBank,
  threadsFor,
  type Bank,
  type ClairOptions,
  type ClientMeasures,
} from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { at } from "@fedclair/linalg";
import { countNoun, formatNumber, unlessAborted } from "@fedclair/runs";
import { findAdapters } from "./adapters/find-adapters.js";
import { parseClairOptions } from "./compare/options.js";
import { readPile, selectUpdates } from "./compare/pile.js";

/** With fewer adapters a pile says nothing about others. */
const minAdapters = 6;
/** The default of option `falseAlarmRate`. */
const usualRate = 0.05;

export interface CalibrateOptions {
  /** Options of CLAIR; default: `parseClairOptions([])`. */
  readonly clair?: ClairOptions;
  /** Stops measuring when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with lines that report progress, and with warnings. */
  readonly log?: (line: string) => void;
}

/**
 * Makes a bank of thresholds from piles of adapters that the user trusts, for option `bank` of
 * `audit`.
 * @param folders one pile each; no adapter in them is contaminated
 */
export async function calibrate(
  folders: readonly string[],
  { clair: options = parseClairOptions([]), signal, log }: CalibrateOptions = {},
): Promise<Bank> {
  const sources = new Map<string, readonly ClientMeasures[]>();
  for (const folder of folders) {
    log?.(`measuring ${oneLine(folder)} …`);
    const measuring = measureFolder(folder, options);
    const { names, measures } = await (signal ? unlessAborted(signal, measuring) : measuring);
    sources.set(folder, [measures]);
    for (const [name, score] of findSuspects(names, measures)) {
      log?.(
        `warning: ${oneLine(folder)}: ${oneLine(name)} stands out from the others by score ${formatNumber(score)}; if it is contaminated, leave it out`,
      );
    }
  }
  const [smallest, wanted] = [1 / (folders.length + 1), Math.ceil(1 / usualRate) - 1];
  if (smallest > usualRate) {
    log?.(
      `warning: thresholds from ${countNoun(folders.length, "pile")} do not show how piles differ from each other: they promise false alarms in one of ${folders.length + 1} piles; expected ${wanted} piles or more, for one of ${wanted + 1}`,
    );
  }
  const name = `${countNoun(folders.length, "pile")} of adapters (${folders.join(", ")})`;
  return await makeBank(sources, { name });
}

/** Lists the adapters that an audit with the shipped bank would flag, with their scores. */
function findSuspects(names: readonly string[], measures: ClientMeasures): [string, number][] {
  const bank = readShippedBank();
  const scored = scoreClients(measures, bank.spreads);
  const { upper } = findThresholds(bank, scored, usualRate);
  return names
    .map((name, k): [string, number] => [name, at(scored.scores, k)])
    .filter(([, score]) => score > upper);
}

async function measureFolder(
  folder: string,
  options: ClairOptions,
): Promise<{ readonly names: readonly string[]; readonly measures: ClientMeasures }> {
  const pile = await readPile((await findAdapters([folder])).adapters);
  const { adapters, faults } = pile;
  const [fault] = faults;
  if (fault) throw new UserError(`${oneLine(folder)}: ${oneLine(fault[0])}: ${fault[1]}`);
  if (adapters.size < minAdapters) {
    throw new UserError(
      `${oneLine(folder)}: ${countNoun(adapters.size, "adapter")}: expected at least ${minAdapters} in every pile`,
    );
  }
  const updates = selectUpdates(pile);
  const result = await clair(updates, options, {
    threads: threadsFor(updates, options),
    known: pile.modules,
  });
  result.modules.close();
  if (options.rule.by !== "evidence")
    throw new UserError("--set: a bank is for the rule evidence: leave rule out");
  if (result.judge.by !== "evidence") {
    throw new UserError(
      `nothing to compare: ${result.active.length} of ${adapters.size} adapters change anything`,
    );
  }
  return { names: result.active.map(({ id }) => id), measures: result.judge.measures };
}
