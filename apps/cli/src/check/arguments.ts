import { UserError } from "@fedclair/core/errors";

/** A number of rounds, or a share of them. */
export type RoundsChoice = { readonly count: number } | { readonly share: number };

/** Parses `5%` or `12`. @throws UserError for anything else */
export function parseRounds(text: string): RoundsChoice {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(number);
  if (percent === "%" && value > 0 && value <= 100) return { share: value / 100 };
  if (percent === "" && Number.isInteger(value) && value > 0) return { count: value };
  throw new UserError(`--rounds: expected a number like 12 or a share like 5%, got '${text}'`);
}

/** Parses `c03,c04`, or `flagged`. @throws UserError for an empty list */
export function parseClients(text: string): readonly string[] | "flagged" {
  if (text === "flagged") return text;
  const ids = text.split(",").map((id) => id.trim());
  if (ids.every((id) => id !== "")) return [...new Set(ids)];
  throw new UserError(`--without: expected ids of clients like c03,c04, got '${text}'`);
}
