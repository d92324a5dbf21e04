import { asList, type Fields, type Report } from "@fedclair/core/cases";
import { item } from "@fedclair/linalg";
import {
  computeDistanceScores,
  distanceThreshold,
  computeLowRankScores,
  lowRankThreshold,
} from "../../src/detection.js";
import { packedOrder, svec, unpackStrict, unpackUpper } from "../../src/packing.js";
import { absolute, failUnknown, readNumbers } from "./compare.js";
import { toUnitTrace } from "../../src/covariance.js";

/** Precision of the scores in the file, and of the covariances behind them. */
const scoreTolerance = 1e-4;

/** Checks which clients' covariances the two detectors flag, and the scores of all clients. */
export async function runPooling(pooling: Fields, report: Report): Promise<void> {
  const {
    N,
    n_k,
    bad,
    covs_upper,
    z_distance,
    flagged_distance,
    flagged_lowrank,
    A_upper,
    ...unknown
  } = pooling;
  const counts = readNumbers(n_k, "n_k");
  const samples = asList(covs_upper, "covs_upper").map((upper, k) => ({
    vector: svec(toUnitTrace(unpackUpper(readNumbers(upper, `covs_upper[${k}]`)))),
    samples: item(counts, k),
  }));
  report.equal("N", packedOrder(samples[0]?.vector.length ?? 0), N);
  report.equal("A_upper", unpackStrict(readNumbers(A_upper, "A_upper")).rows, N);

  const distances = await computeDistanceScores(samples);
  report.near("z_distance", distances, z_distance, absolute(scoreTolerance));
  const flagged = above(distances, distanceThreshold);
  report.near("flagged_distance", flagged, flagged_distance, absolute(0));
  const lowRank = above(await computeLowRankScores(samples, lowRankThreshold), lowRankThreshold);
  report.near("flagged_lowrank", lowRank, flagged_lowrank, absolute(0));
  report.near("bad", flagged, bad, absolute(0));
  failUnknown(report, unknown);
}

function above(scores: readonly number[], threshold: number): number[] {
  return [...scores.keys()].filter((k) => item(scores, k) > threshold);
}
