// The tables of CLAIR's page.
import { mean } from "@fedclair/linalg";
import { fairJudges, judges } from "../../../studies/clair/theory/decompose.js";
import { multiples } from "../../../studies/clair/theory/consistency.js";
import { cases } from "../../../studies/clair/theory/exact.js";
import { kinds } from "../../../studies/clair/theory/inside.js";
import { groupBy } from "../../../studies/support/group-by.js";
import { trials } from "../../../studies/clair/judge-trials.js";
import { basesFile } from "./text-copy.js";
import { countRuns, files } from "./theory.js";
import { withLabels } from "../../../studies/papers/runs.js";
import { attacksFile, trainingFile } from "./training.js";

const isExact = ({ measures }) => measures.exact === 1;

/** A judge in a table. */
function nameOf(judge) {
  return judge.replace(/^\w+/, "`$&`");
}

function count(runs, isTrue) {
  const { hits, of } = countRuns(runs, isTrue);
  return `${hits} of ${of}`;
}

const exact = {
  files: [files.exact],
  columns: ["contaminated clients", ...judges.map(nameOf), "largest sine"],
  rows: ([all]) =>
    Object.keys(cases).map((name) => {
      const runs = withLabels(all, { case: name });
      const largest = Math.max(...runs.map(({ measures }) => measures.sine));
      const cells = judges.map((judge) => count(withLabels(runs, { judge }), isExact));
      return [name, ...cells, largest.toPrecision(2)];
    }),
};

const separation = {
  files: [files.consistency],
  columns: ["judge", ...multiples.map((multiple) => `×${multiple}`)],
  rows: ([all]) =>
    [...fairJudges, "limit"].map((judge) => {
      const shares = multiples.map((multiple) =>
        mean(
          withLabels(all, { judge, multiple: `${multiple}` }).map(({ measures }) => measures.exact),
        ),
      );
      return [nameOf(judge), ...shares.map((share) => share.toFixed(2))];
    }),
};

const names = {
  flipped: "the sign flipped",
  boosted: "5 times the update",
  target: "all the same direction, 3 times the size",
};

const inside = {
  files: [files.inside],
  columns: [
    "attack inside the space",
    "judge",
    "found",
    "error of personal models",
    "shift of the mean",
  ],
  rows: ([all], format) =>
    kinds.flatMap((attack) =>
      judges.map((judge) => {
        const runs = withLabels(all, { attack, judge });
        const total = (key) => runs.reduce((sum, { measures }) => sum + measures[key], 0);
        const found = `${total("found")} of ${total("contaminated")}`;
        const cells = ["error", "shift"].map((key) => format(runs.map((run) => run.measures[key])));
        return [names[attack], nameOf(judge), found, ...cells];
      }),
    ),
};

/** The verdicts of federations that train, by judge. */
const judgedColumns = ["federations", "judge", "all flagged", "flagged, undecided", "false alarms"];

const trainingRow = (name, judge, attacked, clean) => {
  const total = (runs, key) => runs.reduce((sum, { measures }) => sum + measures[key], 0);
  const bad = total(attacked, "contaminated");
  return [
    name,
    nameOf(judge),
    count(attacked, ({ measures }) => measures.found === measures.contaminated),
    `${total(attacked, "found")}, ${total(attacked, "undecided")} of ${bad}`,
    count([...attacked, ...clean], ({ measures }) => measures.falseAlarms > 0),
  ];
};

const training = {
  files: [trainingFile],
  columns: [...judgedColumns, "most benign without attackers"],
  rows: ([all]) =>
    Object.keys(trials).flatMap((trial) =>
      judges.map((judge) => {
        const [attacked, clean] = ["false", "true"].map((own) =>
          withLabels(all, { trial, judge, clean: own }),
        );
        const areBenign = ({ measures: { honest, honestUndecided, falseAlarms } }) =>
          2 * (honest - honestUndecided - falseAlarms) > honest;
        return [...trainingRow(trial, judge, attacked, clean), count(clean, areBenign)];
      }),
    ),
};

const copying = {
  files: [basesFile],
  columns: judgedColumns,
  rows: ([all]) =>
    ["1", "2", "3", "4"].flatMap((round) =>
      judges.map((judge) =>
        trainingRow(`text-copy, round ${round}`, judge, withLabels(all, { judge, round }), []),
      ),
    ),
};

const attacks = {
  files: [attacksFile],
  columns: ["attack", ...judges.map(nameOf)],
  rows: ([all]) =>
    [...groupBy(all, (run) => run.at("trial"))].map(([attack, runs]) => {
      const cells = judges.map((judge) => {
        const own = withLabels(runs, { judge });
        const total = (key) => own.reduce((sum, { measures }) => sum + measures[key], 0);
        return `${total("found")}, ${total("undecided")} of ${total("contaminated")}`;
      });
      return [attack, ...cells];
    }),
};

export const tables = { exact, separation, inside, training, copying, attacks };
