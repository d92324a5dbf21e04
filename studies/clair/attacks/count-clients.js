import { isFlagged } from "@fedclair/runs";

/**
 * Counts the clients of one arm in several trials. A contaminated client counts by its verdict in
 * the last round. It is found unless it is undecided or benign: it is flagged or inactive, or its
 * update was rejected. A benign client that any round flags is a false alarm.
 * @param {readonly (readonly import("@fedclair/core/internal").ClientRecord[])[][]} trials the
 *   records of the clients by trial and round
 */
export function countClients(trials) {
  const counts = {
    contaminated: 0,
    found: 0,
    undecided: 0,
    missed: 0,
    falseAlarms: 0,
    trials: trials.length,
    /** Trials in which all contaminated clients are found, and trials with a false alarm. */
    trialsFound: 0,
    trialsAlarmed: 0,
  };
  for (const rounds of trials) {
    const contaminated = rounds.at(-1).filter(({ attack }) => attack !== null);
    const count = (status) => contaminated.filter(({ verdict }) => verdict === status).length;
    const [undecided, missed] = [count("undecided"), count("benign")];
    const alarmed = rounds.flat().filter((one) => one.attack === null && isFlagged(one));
    const falseAlarms = new Set(alarmed.map(({ clientId }) => clientId)).size;
    counts.contaminated += contaminated.length;
    counts.found += contaminated.length - undecided - missed;
    counts.undecided += undecided;
    counts.missed += missed;
    counts.falseAlarms += falseAlarms;
    if (undecided + missed === 0) counts.trialsFound++;
    if (falseAlarms > 0) counts.trialsAlarmed++;
  }
  return counts;
}
