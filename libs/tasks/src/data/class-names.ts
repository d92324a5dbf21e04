import { excerpt, UserError } from "@fedclair/core";
import { didYouMean } from "@fedclair/core/internal";
import { z } from "zod";
import { requireUtf8 } from "./cell-texts.js";
import { sortNames } from "./table.js";

/** The largest number of a class, which bounds how many there are. */
export const largestLabel = 999;

/** The option `source.classes`. */
export const classNames = z
  .array(
    z.union([z.string().trim().min(1), z.number()], {
      error: "expected a name or a number",
    }),
  )
  .min(2)
  .max(largestLabel + 1)
  .superRefine((names, context) => {
    const texts = names.map(String);
    const twice = texts.find((name, i) => texts.indexOf(name) < i);
    if (twice === undefined) return;
    context.addIssue({ code: "custom", message: `'${excerpt(twice)}' is there twice` });
  })
  .optional()
  .describe(
    "Names of the classes in the order of their numbers; default: those in the data, sorted. Browser tabs with data of their own need them",
  );

/**
 * Creates the function that numbers a class by its name.
 * @param names the classes in the order of their numbers
 * @returns a function that throws a UserError with the place if the class is not one of them
 */
export function numberClasses(
  names: readonly string[],
): (name: string, place: () => string) => number {
  const numbers = new Map(names.map((name, k) => [name, k]));
  return (name, place) => {
    const number = numbers.get(name);
    if (number !== undefined) return number;
    throw new UserError(
      `source: ${place()}: expected one of the classes ${excerpt(names.join(", "))}, got '${excerpt(name)}'${didYouMean(name, names)}: correct it, leave it out, or let the trial name it (source.classes)`,
    );
  };
}

/** So many classes, all of them numbers, are rather numbers to predict. */
const mostNumberedClasses = 100;

/** Are the names of classes numbers as measurements have them, and not those of classes? */
export function looksMeasured(names: readonly string[]): boolean {
  const numbers = names.map(Number);
  const isWhole = numbers.every(Number.isInteger);
  return numbers.every(Number.isFinite) && (!isWhole || names.length > mostNumberedClasses);
}

/**
 * Sorts classes that the trial does not name: numbers by size, other names by their letters.
 * @param place where they are, for messages
 * @param what the noun for them there
 * @throws UserError if there are too few or too many, or if they are not in UTF-8
 */
export function sortClasses(
  found: ReadonlySet<string>,
  place: string,
  what: string,
): readonly string[] {
  requireUtf8(found, place);
  if (found.size >= 2 && found.size <= largestLabel + 1) return sortNames(found);
  throw new UserError(
    `source: ${place}: expected 2 to ${largestLabel + 1} ${what}, got ${found.size}${looksMeasured([...found]) ? ": to predict numbers, use the task table with columns.outputs" : ""}`,
  );
}
