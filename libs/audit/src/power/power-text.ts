import { controlKinds, controlMeanings } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { columns, countNoun } from "@fedclair/runs";
import type { RoundShare, TrialPower } from "./measure-power.js";

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
    "Each round is judged by itself; several rounds, or several such clients, can show more. In brackets: Wilson's 95 % interval over rounds.",
    "",
  ].join("\n");
}

function formatShare({ share, low, high }: RoundShare): string {
  const percent = (x: number) => (100 * x).toFixed(0);
  return `${percent(share)} % (${percent(low)}–${percent(high)})`;
}
