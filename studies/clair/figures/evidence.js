import { clair, clairSchema } from "@fedclair/clair";
import { truthColours, truthShapes } from "@fedclair/view";
import { loadPile } from "../federations.js";
import { ink, readSpec } from "./spec.js";

const attacks = ["random targets", "trigger"];

/** Steps 5 and 6 with rule `evidence`: the pieces of every adapter in a pile of real ones. */
export async function evidenceFigure() {
  const { benign, bad } = await loadPile("presidents");
  const all = [...bad, ...benign];
  const result = await clair(all, clairSchema.parse({ rule: "evidence" }));
  result.modules.close();
  const truthOf = (id) =>
    id.startsWith("bad-random") ? "random targets" : id.startsWith("bad-") ? "trigger" : "benign";
  const values = all.map(({ clientId }) => {
    const { score, evidence } = result.verdicts.get(clientId);
    const piece = (kind) => evidence.find((one) => one.kind === kind)?.deviations ?? 0;
    return {
      name: clientId,
      truth: truthOf(clientId),
      score,
      flagged: result.status.get(clientId) === "contaminated",
      agreement: piece("agreement"),
      size: piece("size"),
      shape: piece("shape"),
    };
  });
  values.sort((a, b) => b.score - a.score);
  const names = values.map(({ name }) => name);
  const [colours, shapes] = [truthColours(attacks), truthShapes(attacks)];
  const panel = (field, title) => {
    const labels = field === "agreement";
    const domain = [0, 1.05 * Math.max(...values.map((adapter) => adapter[field]))];
    const width = labels ? 160 : 155;
    return readSpec("evidence", { title, field, labels, domain, width, names, colours, shapes });
  };
  const score = panel("score", "score");
  score.layer.unshift({
    mark: { type: "rule", color: ink, strokeDash: [5, 3] },
    encoding: { x: { datum: /** @type {any} */ (result.judge).controls.thresholds.upper } },
  });
  const pieces = ["agreement", "size", "shape"].map((kind) => panel(kind, `${kind} (deviations)`));
  return { data: { values }, spacing: 14, hconcat: [...pieces, score] };
}
