import type { Options } from "../options.js";
import type { Intervention } from "../panel-report.js";

/** Names of interventions in a legend: short, for it must not be wider than the plots. */
export function interventionNames({
  selection: { atleast, rho },
}: Options): Readonly<Record<Intervention, string>> {
  return {
    none: "none",
    reduceSkew: `skew ${percent(rho)} off`,
    shiftTau: `tau ${percent(rho)} closer`,
    atleast: `${percent(atleast)} of seats held`,
    proportional: "parity",
  };
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
