import { displayName, formatNumber, ownProperty, truthText, type Run } from "@fedclair/runs";
import { html, table, type Html } from "./html.js";
import { listIds, type Influence } from "../data/influences.js";

/**
 * A table of what the result is without some clients, as far as replays have computed it. Undefined
 * if there are none.
 */
export function influenceSection(run: Run, influences: readonly Influence[]): Html | undefined {
  const [first] = influences;
  if (!first) return undefined;
  const { metric, measuredBy } = first;
  const { better } = ownProperty(run.description.metrics, metric) ?? {};
  const measurers = new Set(influences.map((one) => one.measuredBy));
  const hasIntervals = influences.some(({ difference }) => difference.includes("["));
  const isSame = measurers.size === 1;
  const heads = [
    "without",
    "truth",
    "score over threshold",
    "from round",
    `${metric} without`,
    "with",
    "difference",
    ...(isSame ? [] : ["measured"]),
  ];
  const rows = influences.map((one) => {
    const { clients } = one;
    const [id = ""] = clients;
    const history = clients.length === 1 ? run.clients.get(id) : undefined;
    const ratio = history?.highestRatio;
    return [
      clients.length === 1 ? displayName(id, run.description) : listIds(clients),
      history ? truthText(history.last) : "–",
      ratio === undefined ? "–" : `${formatNumber(ratio)}×`,
      String(one.from),
      one.without,
      one.withThem,
      one.difference,
      ...(isSame ? [] : [one.measuredBy]),
    ];
  });
  return html`<section id="without">
    <h2>Without a client</h2>
    <p class="note">
      ${metric} of ${run.arms[0].label} after the last round, in a run without the client from that
      round on and in this one${better === undefined ? "" : `; ${better} is better`}. Everything
      else is equal, so the difference is the exact influence of the client.
      ${isSame ? `${measuredBy.charAt(0).toUpperCase()}${measuredBy.slice(1)}.` : ""}
      ${hasIntervals ? "In brackets: 95 % interval over these clients." : ""} The score over
      threshold is the highest of all rounds.
    </p>
    ${table(heads, rows)}
  </section>`;
}
