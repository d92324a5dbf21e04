import { sum } from "@fedclair/linalg";
import { createCard, nameLine, type CardPart, type VerdictCard } from "../outcome/verdict-card.js";
import type { SweepResults } from "./results.js";
import type { JudgedClients, VerdictCounts } from "./verdict-counts.js";

/** Among many runs some false alarms are expected: up to this share of the honest clients. */
const usualAlarms = 0.05;

/**
 * Sums up a sweep in a few words: the last verdicts of all studies and seeds together, and where
 * they were wrong.
 */
export function sweepCard({
  trials,
  finished,
  verdicts,
}: Pick<SweepResults, "trials" | "finished" | "verdicts">): VerdictCard {
  const attacked = verdicts.flatMap(({ contaminated }) => contaminated ?? []);
  const honest = verdicts.flatMap((one) => one.honest ?? []);
  const placesOf = (isMeant: (counts: VerdictCounts) => boolean) =>
    verdicts.length === 1 ? [] : verdicts.filter(isMeant).map(({ place }) => place);
  const who = [
    ...nameLine(
      "some called benign",
      placesOf((one) => countCleared(one.contaminated) > 0),
    ),
    ...nameLine(
      "false alarms",
      placesOf((one) => (one.honest?.flagged ?? 0) > 0),
    ),
  ];
  const missed = attacked.filter((one) => countCleared(one) > 0).length;
  const parts: CardPart[] = [];
  const contaminated = addUp(attacked);
  if (contaminated.of > 0) {
    const isAll = contaminated.flagged === contaminated.of;
    const tone = isAll ? "good" : missed > 0 ? "bad" : "open";
    parts.push({ tone, text: `${countShare(contaminated)} contaminated flagged` });
    if (missed > 0) {
      const where = attacked.length === 1 ? "" : ` in ${missed} of ${attacked.length} studies`;
      parts.push({ tone: "bad", text: `some called benign${where}` });
    }
  }
  const benign = addUp(honest);
  if (benign.of > 0) {
    const share = benign.flagged / benign.of;
    const tone = share === 0 ? "good" : share <= usualAlarms ? "open" : "bad";
    parts.push({ tone, text: `${countShare(benign)} false alarms` });
  }
  const undecided = contaminated.undecided + benign.undecided;
  if (undecided > 0)
    parts.push({ tone: "open", text: `${undecided.toLocaleString("en-US")} undecided` });
  if (finished < trials)
    parts.push({ tone: "open", text: `${trials - finished} of ${trials} runs have no numbers` });
  return { ...createCard(parts, "plain"), who };
}

const none: JudgedClients = { flagged: 0, undecided: 0, of: 0 };

/** Counts the clients that were called benign. */
function countCleared({ flagged, undecided, of }: JudgedClients = none): number {
  return of - flagged - undecided;
}

function addUp(counts: readonly JudgedClients[]): JudgedClients {
  const total = (key: keyof JudgedClients) => sum(counts.map((one) => one[key]));
  return { flagged: total("flagged"), undecided: total("undecided"), of: total("of") };
}

function countShare({ flagged, of }: JudgedClients): string {
  return `${flagged.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}`;
}
