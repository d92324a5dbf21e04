import { indices, stream } from "@fedclair/linalg";

/** Returns all samples in the random order in which tasks withhold the first ones. */
export function shuffleSamples(count: number, dataSeed: number): readonly number[] {
  return stream(dataSeed).at("order").sample(indices(count));
}
