import { mutedColour } from "@fedclair/core";
import { readSpec } from "./spec.js";

/**
 * Step 7: the error of every benign client, where refining gains and where it does not.
 * @param {import("./study.js").Study} gains
 * @param {import("./study.js").Study} loses
 */
export function refinementFigure(gains, loses) {
  return {
    spacing: 40,
    hconcat: [
      panel(gains, "linear regression: noise outside the space"),
      panel(loses, "denoising: clients' own parts outside the space"),
    ],
  };
}

/**
 * @param {import("./study.js").Study} study
 * @param {string} title
 */
function panel({ arms }, title) {
  const values = arms
    .get("clair")
    .filter(({ attack, verdict }) => attack === null && verdict === "benign")
    .map(({ clientId, evaluation }) => {
      const local = arms.get("local").find((client) => client.clientId === clientId);
      return { clientId, refined: evaluation.error, local: local.evaluation.error };
    })
    .sort((a, b) => a.local - b.local);
  const names = values.map(({ clientId }) => clientId);
  const most = Math.max(...values.flatMap(({ local, refined }) => [local, refined]));
  return readSpec("refinement", {
    title,
    values,
    names,
    domain: [0, 1.05 * most],
    muted: mutedColour,
  });
}
