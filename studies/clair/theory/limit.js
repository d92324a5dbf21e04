// The limit of any judge: a test that knows the space, the noise and the best threshold. It judges
// a client by the energy of its change outside the true space.
import { stream } from "@fedclair/linalg";

const draws = 400;
const wanted = 0.95;
const step = 0.002;

/**
 * Draws federations for the test.
 * @param {import("./federation.js").Setting} setting
 * @returns {(distance: number) => number} the share of federations in which it finds the exact set,
 *   by the distance of contaminated clients
 */
export function drawTest({ p, q, rank, noise, clients, contaminated }) {
  const rng = stream("limit").at(clients, contaminated);
  const dimensions = (p - rank) * q;
  const federations = Array.from({ length: draws }, (_, draw) =>
    Array.from({ length: clients }, (_, k) => {
      const error = rng.at(draw, k).normals(dimensions);
      return { energy: error.reduce((sum, x) => sum + x * x, 0), along: error[0] };
    }),
  );
  const benign = clients - contaminated;
  const highest = federations.map((own) => Math.max(...own.slice(0, benign).map((x) => x.energy)));
  return (distance) => {
    const offset = (distance * Math.sqrt(rank)) / noise;
    const lowest = federations.map((own) =>
      Math.min(...own.slice(benign).map((x) => x.energy + 2 * offset * x.along + offset ** 2)),
    );
    // The best threshold is just above the highest energy of some federation.
    const hits = highest.map(
      (cut) => highest.filter((high, i) => high <= cut && lowest[i] > cut).length,
    );
    return Math.max(...hits) / draws;
  };
}

/** The smallest distance at which the test finds the exact set in 95 % of federations. */
export function findLimit(shareAt) {
  let distance = step;
  while (shareAt(distance) < wanted) distance += step;
  return distance;
}
