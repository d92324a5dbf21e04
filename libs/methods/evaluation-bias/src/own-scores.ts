import { UserError } from "@fedclair/core";
import { item, sum } from "@fedclair/linalg";
import { splitRows } from "@fedclair/tasks/shared";
import { numbers, readTable, sortNames, texts } from "@fedclair/tasks/shared";
import { maxPanels, type Options } from "./options.js";
import type { InstitutionScores } from "./scores.js";

/** The split does not follow the trial's seed, so that all seeds have the same institutions. */
const dataSeed = 1;

/**
 * Reads scores. They are standardised by mean and deviation of group 1 over all institutions, who
 * would have to agree on these two numbers beforehand.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readScores(
  { reference, partition }: Options,
  source: NonNullable<Options["source"]>,
): Promise<InstitutionScores> {
  const { score, group, panel, client } = source.columns;
  const wanted = {
    score: numbers(score),
    group: texts(group),
    ...(panel !== undefined && { panel: texts(panel) }),
  };
  const data = await readTable(source, wanted, client);
  const { table } = data;
  const groups = table.texts("group");
  const isReference = groups.map((one) => one === String(reference));
  if (!isReference.includes(true) || !isReference.includes(false)) {
    throw new UserError(
      `source: expected rows with ${group} = ${String(reference)} (task.reference) and others, got ${sortNames(new Set(groups)).slice(0, 10).join(", ")}`,
    );
  }
  const panelOf = panel === undefined ? undefined : table.texts("panel");
  const isOfPanel = (row: number) => isReference[row] === false;
  const names = panelOf && sortNames(new Set(panelOf.filter((_, row) => isOfPanel(row))));
  if (names && names.length > maxPanels) {
    throw new UserError(
      `source: expected at most ${maxPanels} panels, got ${names.length} values of ${panel ?? ""}: choose another column, or join some`,
    );
  }
  const scores = standardise(table.numbers("score"), isReference, score);
  const clients = splitRows(data, { partition, dataSeed, minimum: 1 });
  const select = (rows: Int32Array, has: (row: number) => boolean) =>
    Float64Array.from(rows.filter(has), (row) => item(scores, row));
  return {
    panels: names?.length ?? 1,
    names: names ?? ["all"],
    reference: ({ index, count }) =>
      select(clients.of(index, count), (row) => isReference[row] === true),
    panel: ({ index, count }, j) =>
      select(
        clients.of(index, count),
        (row) => isOfPanel(row) && (!names || panelOf[row] === names[j]),
      ),
    people: ({ index, count }) => clients.of(index, count).filter(isOfPanel).length,
    members: clients.members,
  };
}

/** Scales scores so that those of group 1 have mean 0 and variance 1. */
function standardise(
  scores: Float64Array,
  isReference: readonly boolean[],
  column: string,
): Float64Array {
  const exact = scores.filter((_, row) => isReference[row]);
  const mean = sum(exact) / exact.length;
  const deviation = Math.sqrt(sum(exact.map((x) => (x - mean) ** 2)) / exact.length);
  if (deviation > 1e-12 * Math.abs(mean)) return scores.map((x) => (x - mean) / deviation);
  throw new UserError(
    `source: column '${column}' is ${item(exact, 0)} for all of group 1: expected scores that differ`,
  );
}
