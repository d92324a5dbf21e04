import { clair, clairSchema } from "@fedclair/clair";
import { computeSines, computeStarts } from "@fedclair/clair/internal";
import { mutedColour } from "@fedclair/core";
import { frobenius, hstack, thinSvd } from "@fedclair/linalg";
import { truthColours } from "@fedclair/view";
import { ink, readSpec } from "./spec.js";
import { attackNames } from "./study.js";

const namesOfStarts = {
  all: "fit to all clients",
  benign: "benign client",
  "colluding-subspace": "colluder",
  "gaussian-update": "client that sends noise",
};

/**
 * Steps 3 and 4: concentration steps from many starts, and the spectrum that shows the rank.
 * @param {import("./study.js").Study} study
 */
export async function searchFigure({ clients, updates, matrices, rank }) {
  // Every client is a start here, in the order of the figures.
  const options = clairSchema.parse({ rank, rule: "gap", starts: updates.length });
  const { modules } = await clair(updates, options);
  const views = await modules.views({ clients: [...updates.keys()], leastNorm: 0 });
  const half = Math.ceil(options.minBenignFraction * updates.length);
  const starts = await computeStarts(views, options);
  const values = [];
  let best = { members: [], objective: Infinity };
  for (const [i, first] of starts.entries()) {
    const start = namesOfStarts[clients[i - 2]?.truth ?? "all"];
    let candidate = closest(first, half);
    for (let step = 0; step <= 4; step++) {
      values.push({ i, step, start, value: candidate.objective });
      if (candidate.objective < best.objective) best = candidate;
      candidate = closest(computeSines(views, await views.fit(candidate.members)), half);
    }
  }
  modules.close();
  const colours = truthColours(attackNames);
  const spectra = [
    { name: "half that fits best", members: best.members },
    { name: "all clients", members: [...updates.keys()] },
  ].flatMap(({ name, members }) => {
    const stack = hstack(members.map((k) => matrices[k].scale(1 / frobenius(matrices[k]))));
    const energies = [...thinSvd(stack).s].map((s) => s ** 2 / members.length);
    return energies.slice(0, 10).map((value, j) => ({ name, direction: j + 1, value }));
  });
  return readSpec("search", {
    values,
    starts: ["all", ...colours.domain].map((kind) => namesOfStarts[kind]),
    startColours: [ink, ...colours.range],
    spectra,
    muted: mutedColour,
  });
}

/** The clients with the smallest sines, and what they have outside. */
function closest(angles, half) {
  const order = [...angles.keys()].sort((i, j) => angles[i] - angles[j]).slice(0, half);
  const objective = order.reduce((total, k) => total + angles[k] ** 2, 0);
  return { members: order.sort((i, j) => i - j), objective };
}
