import { verdictLetters, type Verdict } from "../../src/data/rounds.js";

const verdicts = new Map<number, Verdict>(
  Object.entries(verdictLetters).map(([verdict, letter]) => [
    letter.charCodeAt(0),
    verdict as Verdict,
  ]),
);

/** Reads the letter of a verdict. @param code of the letter; 0 stands for no client */
export function verdictOf(code: number): Verdict | undefined {
  return verdicts.get(code);
}

/** Is a client with this verdict flagged? */
export function isFlagged(verdict: Verdict | undefined): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}
