import { verdictLetters, type VerdictInRound } from "../../src/data/rounds.js";

const verdicts = new Map<number, VerdictInRound>(
  Object.entries(verdictLetters).map(([verdict, letter]) => [
    letter.charCodeAt(0),
    verdict as VerdictInRound,
  ]),
);

/** Reads the letter of a verdict. @param code of the letter; 0 stands for no client */
export function verdictOf(code: number): VerdictInRound | undefined {
  return verdicts.get(code);
}

/** Is a client with this verdict flagged? */
export function flagsClient(verdict: VerdictInRound | undefined): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}
