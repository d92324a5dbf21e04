import { pluginOptions } from "@fedclair/core/internal";
import { factList, html, htmlPage, preformatted, table, writePage } from "@fedclair/view";
import { tallTable } from "../page/tall-table.js";
import { formatRoundSentences, formatRoundTable, type RoundReport } from "./round-report.js";

/** Writes the report of a round as one self-contained page. @param file a new file */
export async function writeRoundPage(
  file: string,
  report: RoundReport,
  out: string,
): Promise<void> {
  const { aggregator, clients, metrics, round } = report;
  const [heads = [], ...rows] = formatRoundTable(report);
  const measured = Object.entries(metrics).map(([name, value]) => [name, value.toPrecision(4)]);
  const page = htmlPage(
    `Round ${round}`,
    html`${formatRoundSentences(report, out).map((text) => html`<p class="verdict">${text}</p>`)}
    ${factList([
      ["aggregator", aggregator.name],
      ["clients", String(clients.length)],
    ])}`,
    html`<section>
        <h2>Clients</h2>
        ${tallTable(heads, rows)}
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
        <summary>All options of the aggregator, including defaults</summary>
        <pre>${preformatted(JSON.stringify(pluginOptions(aggregator), null, 2))}</pre>
      </details>`,
  );
  await writePage(file, page);
}
