import { choiceText } from "./facts.js";
import { html, table, type Html } from "./html.js";
import type { Run } from "./run.js";

/** What a reader needs to judge the comparison: which updates every method saw. */
export function methodSection({ trial, arms, records, summary }: Run): Html {
  const done = (label: string) => records.filter(({ arm }) => arm === label).length;
  const rows = arms.map(({ label, aggregator, benignOnly }, i) => [
    label,
    i === 0 ? "under study" : "baseline",
    choiceText(aggregator),
    benignOnly ? "benign only (oracle)" : "all",
    `${done(label)} of ${trial.rounds}`,
    summary?.stopped[label] ?? "",
  ]);
  const pairing =
    arms.length === 1
      ? undefined
      : html`<p>
          Round 1 of every method uses the same collected updates, since all start from the same
          params with the same random streams; from round 2 on each baseline is a paired run: same
          seed, cohorts, data and initialisation.
        </p>`;
  return html`<section>
    <h2>How it was run</h2>
    ${pairing}
    <p>
      Truth is known to the simulation alone: no aggregator sees which clients are contaminated,
      except an oracle, which is given the benign ones only. Measures of evaluation are taken by the
      benign clients on their own data.
    </p>
    ${table(["method", "role", "aggregator", "clients", "rounds", "why it stopped"], rows)}
  </section>`;
}
