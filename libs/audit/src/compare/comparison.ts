import type { Power } from "@fedclair/clair";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { createInvalidFinding, type AdapterFinding } from "./findings.js";
import type { Pile } from "./pile.js";

/** The result of CLAIR's comparison, in the form that `--json` prints. */
export interface AdapterComparison {
  /** In the order of the command line. */
  readonly adapters: readonly AdapterFinding[];
  /** False if there are too few adapters to flag any. */
  readonly detection: boolean;
  /** Adapters with a score above it are contaminated; null: no gap was found. */
  readonly threshold: number | null;
  /** With rule `evidence`: what the thresholds were calibrated on. */
  readonly bank?: string;
  /** With rule `evidence`: the largest number of adapters that the thresholds were made for. */
  readonly calibratedFor?: number;
  /** With rule `evidence`: a lower score does not stand out. */
  readonly usualBelow?: number;
  /** With rule `evidence`: what became of the attackers that were planted to try the rule. */
  readonly controls?: {
    /** Share of the planted attackers that stood out, by kind. */
    readonly power: Power;
    /** The kinds that an adapter which does not stand out is cleared of. */
    readonly cleared: readonly string[];
  };
  readonly gap: number;
  /**
   * Cosine similarities of the compared adapters, −1 … 1, one row for each. Only with rule
   * `evidence`.
   */
  readonly alike?: {
    readonly names: readonly string[];
    readonly cosines: readonly (readonly number[])[];
  };
  /** Dimension of the shared space, by module. */
  readonly ranks: Readonly<Record<string, number>>;
  /**
   * Modules whose shared space would contain any adapter, so that nothing can be detected in them.
   */
  readonly uninformative: readonly string[];
  /** Names of tensors that are not LoRA pairs and were not compared. */
  readonly ignored: readonly string[];
  /** Names of the adapters that use DoRA. Only their B·A was compared. */
  readonly dora: readonly string[];
  /** Names of the adapters whose B·A did not start at zero (`init_lora_weights`). */
  readonly begunInBase: readonly string[];
  /** Names of the adapters that started from an A₀ of their own. */
  readonly ownStarts: readonly string[];
  /** Groups of adapters that started from the same A₀, the largest first. */
  readonly startGroups: readonly (readonly string[])[];
  /** Groups of adapters with identical numbers. */
  readonly identical: readonly (readonly string[])[];
  /** Groups of nearly identical adapters. Only the first of each group is compared. */
  readonly nearCopies: readonly (readonly string[])[];
  /** Groups of invalid adapters that could be compared with one another. */
  readonly otherForms: readonly (readonly string[])[];
  /** Base models in the configurations, the most frequent first. */
  readonly bases: readonly string[];
}

/** Creates the result for the case that no adapter can be read. */
export function createEmptyComparison(
  folders: readonly AdapterFolder[],
  faults: Pile["faults"],
): AdapterComparison {
  return {
    adapters: folders.map(({ name }) => createInvalidFinding(name, faults.get(name) ?? "")),
    detection: false,
    threshold: null,
    gap: 1,
    ranks: {},
    uninformative: [],
    ignored: [],
    dora: [],
    begunInBase: [],
    ownStarts: [],
    startGroups: [],
    identical: [],
    nearCopies: [],
    otherForms: [],
    bases: [],
  };
}
