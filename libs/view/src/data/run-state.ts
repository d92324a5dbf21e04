import { listArms, oneLine, printable, type Trial } from "@fedclair/core/internal";
import { printableLines } from "@fedclair/core/text";
import {
  clientRows,
  isFlagged,
  measuringClients,
  noDescription,
  ownProperty,
  RunTally,
  scoreRatio,
  verdictCard,
  verdictSentence,
  type ArmRecord,
  type ArmTiming,
  type ClientRow,
  type Run,
  type RunInfo,
  type StoredRun,
  type Summary,
  type TrialDescription,
} from "@fedclair/runs";
import type { FlaggedClient, MetricState, RunState, Status } from "./protocol.js";
import { chooseMetric, chooseSpacing, type Spacing } from "./round-columns.js";

/** Number of flagged clients that are listed; the map has the others. */
const maxListed = 50;

/** Longest text of a record on the page, in bytes. */
const maxTextBytes = 1024;

/** Number of rounds that the estimate of the remaining time averages over. */
const recentRounds = 20;

/** The facts about a run that its records do not have. */
export interface StoredState extends Pick<StoredRun, "status"> {
  readonly summary?: Partial<Summary> | undefined;
  readonly info: Pick<RunInfo, "started" | "version" | "backend">;
  readonly hasReport: boolean;
}

/** Collects what the page says about a run while its records come in. */
export class RunSummary {
  readonly labels: readonly string[];
  readonly spacing: Spacing;
  readonly trial: Trial;
  readonly #description: TrialDescription;
  readonly #tally: RunTally;
  /** Seconds of the last rounds of the arm that runs: an arm without judging takes less. */
  #recent: { readonly arm: string; readonly seconds: number[] } | undefined;
  #metric: MetricState | undefined;

  constructor(trial: Trial, description: TrialDescription = noDescription) {
    this.trial = trial;
    this.#description = description;
    this.#tally = new RunTally(trial, description, false);
    this.labels = listArms(trial).map(({ label }) => label);
    this.spacing = chooseSpacing(trial);
  }

  add(record: ArmRecord): void {
    this.#tally.add(record);
    this.metricOf(record);
  }

  /** The metric by which arms are compared, which the first record with one decides. */
  metricOf(record: ArmRecord): MetricState | undefined {
    this.#metric ??= chooseMetric(record, this.#description);
    return this.#metric;
  }

  addTiming({
    arm,
    seconds,
    writeSeconds,
  }: Pick<ArmTiming, "arm" | "seconds" | "writeSeconds">): void {
    if (this.#recent?.arm !== arm) this.#recent = { arm, seconds: [] };
    const recent = this.#recent.seconds;
    recent.push(seconds.train + seconds.aggregate + seconds.evaluate + writeSeconds);
    if (recent.length > recentRounds) recent.shift();
  }

  /** Describes the run as it is now. */
  state(path: string, stored: StoredState, why: string | undefined, notices: string[]): RunState {
    const { status, summary, info, hasReport } = stored;
    const run = this.#run(stored);
    const rows = clientRows(run);
    const flagged = rows.filter(isFlagged).sort((a, b) => marginOf(b) - marginOf(a));
    const { trial } = run;
    return {
      path,
      name: printable(trial.name, 200),
      claim: trial.claim && printableLines(trial.claim),
      status,
      why,
      card: verdictCard(run),
      sentence: verdictSentence(run),
      started: info.started,
      backend: oneLine(info.backend),
      version: oneLine(info.version),
      seed: trial.seed,
      task: trial.task.name,
      clients: trial.clients,
      rounds: trial.rounds,
      arms: run.arms.map(({ label }) => {
        const stopped =
          ownProperty(run.summary.stopped, label) ?? ownProperty(summary?.stopped ?? {}, label);
        return {
          label: printable(label, 200),
          rounds: run.rounds.get(label) ?? 0,
          stopped: stopped && printable(stopped, maxTextBytes),
        };
      }),
      secondsLeft: status === "running" ? this.#secondsLeft(run) : undefined,
      metric: this.#metric,
      measuring: measuringClients(run.summary),
      flagged: flagged.slice(0, maxListed).map(flaggedClient),
      flaggedCount: flagged.length,
      judges: rows.some(({ roundsJudged }) => roundsJudged > 0),
      hasReport,
      clientSpacing: this.spacing.clients,
      roundSpacing: this.spacing.rounds,
      notices,
    };
  }

  #run({ status, summary, info }: StoredState): Run {
    const isFinished = status === "done";
    const stopped = new Map(Object.entries(summary?.stopped ?? {}));
    const records = this.#tally.records(stopped, isFinished);
    return {
      trial: this.trial,
      ...records,
      summary: { backend: info.backend, ...summary, ...records.summary },
      description: this.#description,
      timings: { drawn: [] },
      artifacts: [],
      isFinished,
      isRunning: status === "running",
    };
  }

  /** Arms that stopped have no rounds left. */
  #secondsLeft({ arms, rounds, summary, trial }: Run): number | undefined {
    if (!this.#recent) return undefined;
    const { seconds } = this.#recent;
    const left = arms
      .filter(({ label }) => ownProperty(summary.stopped, label) === undefined)
      .reduce((sum, { label }) => sum + trial.rounds - (rounds.get(label) ?? 0), 0);
    return (left * seconds.reduce((sum, one) => sum + one, 0)) / seconds.length;
  }
}

/** The state of a run without rounds: it has not begun, or its files are broken. */
export function waitingState(path: string, name: string, status: Status = "waiting"): RunState {
  return {
    path,
    name,
    status,
    sentence:
      status === "broken"
        ? "This run cannot be read."
        : "The run has not begun: the coordinator waits for its clients.",
    seed: 0,
    task: "",
    clients: 0,
    rounds: 0,
    arms: [],
    measuring: "",
    flagged: [],
    flaggedCount: 0,
    judges: false,
    hasReport: false,
    clientSpacing: 1,
    roundSpacing: 1,
    notices: [],
  };
}

/** Score over threshold. Invalid clients have no score and come first. */
function marginOf(row: ClientRow): number {
  return scoreRatio(row) ?? Infinity;
}

function flaggedClient(row: ClientRow): FlaggedClient {
  const { clientId, display, score, threshold, truth, mistake } = row;
  return {
    id: clientId,
    name: display,
    score,
    threshold,
    truth: printable(truth, 200),
    ...(mistake !== undefined && { mistake }),
    roundsFlagged: row.roundsFlagged,
    roundsJudged: row.roundsJudged,
  };
}
