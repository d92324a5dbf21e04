import { countNoun } from "@fedclair/runs";
import { oneLine } from "@fedclair/core/internal";
import { html, table, type Html } from "@fedclair/report";
import type { Audit } from "../audit-schema.js";

/** Longer lists are cut: `--json` has all. */
const most = 200;

/** What could not be judged: adapters with the reasons, tensors and folders that were left out. */
export function unjudgedSection({
  adapters,
  ignored,
  skipped,
  checkpoints,
}: Audit): Html | undefined {
  const unjudged = adapters.filter(
    ({ status }) => status !== "benign" && status !== "contaminated",
  );
  if (unjudged.length + ignored.length + skipped.length + checkpoints.length === 0)
    return undefined;
  const why = unjudged.map(({ name, status, reason }) => [
    oneLine(name),
    status,
    oneLine(reason ?? ""),
  ]);
  return html`<section>
    <h2>Not judged</h2>
    ${why.length === 0 ? undefined : table(["adapter", "status", "reason"], why)}
    ${list(`${countNoun(ignored.length, "tensor")} without a LoRA pair, not judged`, ignored)}
    ${list(`${countNoun(checkpoints.length, "earlier checkpoint")}, left out`, checkpoints)}
    ${list(`${countNoun(skipped.length, "folder")} without an adapter_config.json, left out`, skipped)}
  </section>`;
}

function list(what: string, names: readonly string[]): Html | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > most ? `, and ${names.length - most} more` : "";
  return html`<p class="names">
    ${what}: ${names.slice(0, most).map(oneLine).join(", ")}${more}.
  </p>`;
}
