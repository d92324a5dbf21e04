import { controlKinds, controlMeanings } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { columns, countNoun, print } from "@fedclair/runs";
import type { PythonOptions } from "../read-hosts.js";
import { measurePower, type RoundShare, type TrialPower } from "./measure-power.js";

export interface PowerOptions extends PythonOptions {
  readonly set: readonly string[];
  readonly seeds?: string;
  readonly json: boolean;
}

/** `fedclair power`: tells how many contaminated clients of each kind a trial would find. */
export async function power(
  file: string,
  { set, seeds, json, ...python }: PowerOptions,
): Promise<void> {
  const measured = await measurePower(file, set, seeds, python);
  print(json ? `${JSON.stringify(measured, null, 2)}\n` : formatPower(measured));
}

/** Formats the measured power for the terminal. */
export function formatPower(measured: TrialPower): string {
  const { trial, seeds, rounds, clients, leftOut, unknown, kinds, falseAlarms } = measured;
  const rows = controlKinds.map((kind) => {
    const { flagged, notBenign } = kinds[kind];
    return [controlMeanings[kind], formatShare(flagged), formatShare(notBenign)];
  });
  const heading = ["planted", "flagged", "flagged or undecided"];
  return [
    `${oneLine(trial)}: ${countNoun(rounds, "round")} of ${countNoun(seeds.length, "seed")}, ${countNoun(clients, "client")}, nobody contaminated. ` +
      "Attackers were planted into every round, one or one group at a time.",
    ...(leftOut.length > 0
      ? [`${countNoun(leftOut.length, "client")} declared contaminated took no part.`]
      : []),
    ...(unknown > 0
      ? [`The truth about ${countNoun(unknown, "client")} is unknown; they count as honest.`]
      : []),
    "",
    columns([heading, ...rows], ["left", "right", "right"]),
    "",
    `An honest client is flagged in ${formatShare(falseAlarms)} of the rounds.`,
    "Each round is judged by itself. In brackets: Wilson's 95 % interval over rounds.",
    "",
  ].join("\n");
}

function formatShare({ share, low, high }: RoundShare): string {
  const percent = (x: number) => (100 * x).toFixed(0);
  return `${percent(share)} % (${percent(low)}–${percent(high)})`;
}
