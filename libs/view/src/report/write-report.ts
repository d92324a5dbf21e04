import { basename, join } from "node:path";
import type { TaskFigures } from "@fedclair/core";
import { clientIds } from "@fedclair/core/internal";
import {
  armRecords,
  displayName,
  measuringClients,
  sharesFirstRound,
  writeWhole,
  type ArmRecord,
  type Run,
} from "@fedclair/runs";
import { accuracyFigure } from "../figures/accuracy-figure.js";
import { costFigure } from "../figures/cost-figure.js";
import {
  armColours,
  createSpec,
  figureWidth,
  inkColour,
  isNarrow,
  narrowWidth,
} from "../figures/figure-style.js";
import { writeFigures, type Drawing } from "../figures/figures.js";
import { findInfluences, type Influence } from "../data/influences.js";
import { createPage } from "./page.js";
import { formatDrawnRounds, formatSampledClients, thinRounds } from "../figures/rounds.js";
import { packRounds, type RunWithRounds } from "../data/rounds-tally.js";
import { scoreCaption, scoreFigure } from "../figures/score-figure.js";

/**
 * Writes the report of a run into a folder: `report.html`, a self-contained page, and
 * `figures/<name>.{svg,png,csv,vl.json}`. The report of an unfinished run covers the rounds so far.
 * @param known the influences of clients, if the caller has found them already
 */
export async function writeRunReport(
  reported: RunWithRounds,
  folder: string,
  known?: readonly Influence[],
): Promise<void> {
  const { run } = reported;
  const { figures } = run.description;
  const clientsText = measuringClients(run.summary);
  const few = thinRounds(run, maxNarrowRounds);
  const at = (width: number) => (isNarrow(width) ? few : run);
  const drawings: readonly Drawing[] = [
    {
      name: "scores",
      title: "Scores against the threshold",
      caption: scoreCaption(run),
      draw: scoreFigure(run),
    },
    ...(figures ? await taskDrawings(run, figures) : []),
    {
      name: "accuracy",
      title: `${clientsText.charAt(0).toUpperCase()}${clientsText.slice(1)} over ${run.trial.devices ? "simulated time" : "rounds"}`,
      caption:
        `Mean of the ${clientsText} that measured in every arm, each on its own data, and their 10–90 % range.` +
        formatDrawnRounds(run) +
        formatSampledClients(run),
      draw: (width) => accuracyFigure(armsOf(at(width)), run.description, width),
    },
    {
      name: "cost",
      title: "Cost",
      caption:
        "Seconds that the coordinator spent in each stage of a round, and bytes of the tensors sent to (down) and received from (up) the clients for training." +
        (run.arms.length > 1 && sharesFirstRound(run.trial)
          ? " In round 1 the baselines reuse the updates of the main arm."
          : "") +
        formatDrawnRounds(run),
      draw: (width) => costFigure(at(width), width),
    },
  ];
  const drawn = await writeFigures(folder, `${run.trial.name}, seed ${run.trial.seed}`, drawings);
  const page = createPage(run, drawn, known ?? (await findInfluences(run, folder)));
  const room = maxBytes(run) - Buffer.byteLength(page());
  // The place for the rounds takes some bytes as well.
  const packed = packRounds(reported.rounds, basename(folder), room - 500);
  await writeWhole(join(folder, "report.html"), page(packed));
}

/** The records of each arm that are drawn. */
function armsOf(run: Run): ReadonlyMap<string, readonly ArmRecord[]> {
  return new Map(run.arms.map(({ label }) => [label, armRecords(run, label)]));
}

/** More rounds than this are not distinguishable in a narrow figure. */
const maxNarrowRounds = 100;

/** Bytes that a report may have: 1 MB for up to 60 clients, else 5 MB. */
function maxBytes({ trial }: Run): number {
  return trial.clients <= 60 ? 1e6 : 5e6;
}

async function taskDrawings(run: Run, figures: TaskFigures): Promise<Drawing[]> {
  const { trial, arms, artifacts, description } = run;
  // The first round may not have ended.
  if (run.last.size === 0) return [];
  const labels = arms.map(({ label }) => label);
  const { range } = armColours(labels);
  const ids = clientIds(trial.clients);
  const idOf = (index: number) => ids[index] ?? "";
  const drawAt = (width: number) =>
    figures({
      task: trial.task,
      artifacts,
      arms: labels.map((label, i) => ({ label, colour: range[i] ?? inkColour })),
      clients: {
        count: trial.clients,
        name: (index) => displayName(idOf(index), description),
        truth: (index) => {
          const id = idOf(index);
          return description.unknown.has(id)
            ? "unknown"
            : (description.attacks.get(id) ?? "benign");
        },
      },
      width,
    });
  const [wide, narrow] = await Promise.all([drawAt(figureWidth), drawAt(narrowWidth)]);
  return wide.map(({ spec, ...drawing }, i) => ({
    ...drawing,
    draw: (width) => createSpec((isNarrow(width) ? narrow[i]?.spec : spec) ?? {}),
  }));
}
