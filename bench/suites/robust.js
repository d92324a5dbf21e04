// Robust rules on flattened updates, next to the same rules in NumPy.
import {
  bulyan,
  centeredClip,
  coordinateMedian,
  geometricMedian,
  krum,
  mean,
  mixNearestNeighbours,
  multiKrum,
  normClip,
  trimmedMean,
} from "@fedclair/rules";
import { stream } from "@fedclair/linalg";

export const title = "robust rules on float32 updates, computed in float64, next to NumPy";

/**
 * Rules by their names in bench/peers/robust.py.
 * @param v standard normal updates, float32
 * @param f number of clients presumed contaminated
 */
const rules = {
  fedavg: (v) => mean(v),
  "coordinate median": (v) => coordinateMedian(v),
  "trimmed mean": (v) => trimmedMean(v, 0.2),
  krum: (v, f) => krum(v, f),
  "multi-Krum": (v, f) => multiKrum(v, f),
  bulyan: (v, f) => bulyan(v, f),
  "geometric median": (v) => geometricMedian(v),
  "norm clip": (v) => normClip(v),
  "centered clipping": (v) => centeredClip(v, Math.sqrt(v[0].length)),
  "nearest-neighbour mixing": (v, f) => mixNearestNeighbours(v, f),
};

export async function* items() {
  for (const [clients, length] of [
    [20, 1_000_000],
    [100, 100_000],
  ]) {
    // Clients send float32; both sides compute in float64.
    const updates = Array.from({ length: clients }, (_, k) =>
      Float32Array.from(stream("bench").at(k).normals(length)),
    );
    const f = clients / 5;
    for (const [rule, apply] of Object.entries(rules)) {
      // Bulyan tolerates fewer contaminated clients.
      const presumed = rule === "bulyan" ? Math.floor((clients - 3) / 4) : f;
      yield {
        name: `${rule}, ${clients} × ${length.toLocaleString("en-US")}`,
        sides: {
          fedclair: { run: async () => void (await apply(updates, presumed)) },
          NumPy: { peer: "robust", options: { rule, clients, length, f: presumed } },
        },
      };
    }
  }
}
