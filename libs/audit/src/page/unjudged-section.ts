import { countNoun } from "@fedclair/runs";
import { oneLine } from "@fedclair/core/internal";
import { html, table, type Html } from "@fedclair/view";
import type { Audit } from "../audit-schema.js";

/** Longer lists are truncated; `--json` prints all. */
const most = 200;

/** Renders what was not compared: adapters with reasons, and skipped tensors and folders. */
export function renderUnjudgedSection({
  adapters,
  ignored,
  skipped,
  checkpoints,
}: Audit): Html | undefined {
  const uncompared = adapters.filter(({ score }) => score === null);
  if (uncompared.length + ignored.length + skipped.length + checkpoints.length === 0)
    return undefined;
  const why = uncompared.map(({ name, status, reason }) => [
    oneLine(name),
    status,
    oneLine(reason ?? ""),
  ]);
  return html`<section>
    <h2>Not compared</h2>
    ${why.length === 0 ? undefined : table(["adapter", "status", "reason"], why)}
    ${renderList(`${countNoun(ignored.length, "tensor")} without a LoRA pair`, ignored)}
    ${renderList(countNoun(checkpoints.length, "skipped earlier checkpoint"), checkpoints)}
    ${renderList(`${countNoun(skipped.length, "skipped folder")} (no adapter_config.json, hidden, or no UTF-8 in the name)`, skipped)}
  </section>`;
}

function renderList(what: string, names: readonly string[]): Html | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > most ? `, and ${names.length - most} more` : "";
  return html`<p class="names">
    ${what}: ${names.slice(0, most).map(oneLine).join(", ")}${more}.
  </p>`;
}
