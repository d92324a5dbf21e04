import { writeFile } from "node:fs/promises";
import { pluginOptions } from "@fedclair/core/internal";
import { factList, html, htmlPage, preformatted, table } from "@fedclair/report";
import { roundSentences, roundTable, type RoundReport } from "./round-report.js";

/** Writes the report of a round: one page that needs nothing beside itself. @param file a new one */
export async function writeRoundPage(
  file: string,
  report: RoundReport,
  out: string,
): Promise<void> {
  const { aggregator, clients, metrics, round } = report;
  const [heads = [], ...rows] = roundTable(report);
  const measured = Object.entries(metrics).map(([name, value]) => [name, value.toPrecision(4)]);
  const page = htmlPage(
    { title: `Round ${round}`, claim: undefined },
    html`${roundSentences(report, out).map((text) => html`<p class="verdict">${text}</p>`)}
    ${factList([
      ["aggregator", aggregator.name],
      ["clients", String(clients.length)],
    ])}`,
    html`<section>
        <h2>Clients</h2>
        <div class="${rows.length > 40 ? "tall" : ""}">${table(heads, rows)}</div>
      </section>
      ${
        measured.length > 0
          ? html`<section>
              <h2>Measured by the aggregator</h2>
              ${table(["measure", "value"], measured)}
            </section>`
          : ""
      }
      <details>
        <summary>Every option of the aggregator, defaults filled in</summary>
        <pre>${preformatted(JSON.stringify(pluginOptions(aggregator), null, 2))}</pre>
      </details>`,
  );
  await writeFile(file, page, { flag: "wx" });
}
