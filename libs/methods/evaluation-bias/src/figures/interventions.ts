import type { Options } from "../options.js";
import type { Intervention } from "../model/interventions.js";

/**
 * Names interventions in a legend. The names are short, because the legend must not be wider than
 * the plots.
 */
export function interventionNames({
  selection: { atleast, rho },
}: Options): Readonly<Record<Intervention, string>> {
  return {
    none: "none",
    reduceSkew: `skew reduced by ${formatPercent(rho)}`,
    shiftTau: `tau ${formatPercent(rho)} closer`,
    atleast: `${formatPercent(atleast)} of seats reserved`,
    proportional: "parity",
  };
}

export function formatPercent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
