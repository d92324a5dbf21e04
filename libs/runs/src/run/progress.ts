import { clearLine, cursorTo } from "node:readline";
import {
  listArms,
  printable,
  type Arm,
  type RoundRecord,
  type Trial,
} from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";
import { SingleBar } from "cli-progress";
import { readRoundMetric } from "../measures/evaluation.js";
import { formatTime } from "../words/format-time.js";
import { formatNumber } from "../words/numbers.js";
import { wrapMessage } from "../words/terminal.js";
import { followRound, type RoundProgress } from "./round-progress.js";
import type { ArmEvent } from "./run-trial.js";
import { roundDetection } from "../measures/detection.js";
import { readMetric } from "../measures/measure.js";
import { Patience } from "./slow-notice.js";
import { isFlagged } from "../measures/truth.js";

/** The escape sequence DECSC. */
const saveCursor = "\u001b7";

/** The share of a round that is done when all clients of its cohort have answered. */
const answeredShare = 0.9;

/**
 * Prints the progress of a trial on stderr. A terminal shows a bar that moves with every answer,
 * the time left, and what each arm has found when it ends. Otherwise there is one line per round.
 */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #terminal: NodeJS.WriteStream;
  readonly #patience: Patience;
  readonly #rounds: number;
  readonly #total: number;
  readonly #primary: string | undefined;
  /** When the first client of the arm was asked, in ms, and how many rounds were done then. */
  #began: { readonly arm: string; readonly at: number; readonly done: number } | undefined;
  /** Seconds of a round, from the last arm with a finished one. */
  #pace: number | undefined;
  /** Finished rounds of all arms, and how many of them an earlier process did. */
  #done = 0;
  #skipped = 0;
  #current: RoundProgress | undefined;

  /** @param primary the metric to print for each round, if the task has one */
  constructor(trial: Trial, primary?: string, terminal: NodeJS.WriteStream = process.stderr) {
    this.#terminal = terminal;
    this.#rounds = trial.rounds;
    this.#total = trial.rounds * listArms(trial).length;
    this.#primary = primary;
    this.#patience = new Patience((line) => {
      if (this.#bar) this.#show(line);
      else terminal.write(`${line}\n`);
    });
    this.#patience.waitFor("clients and data");
    if (!terminal.isTTY) return;
    this.#bar = new SingleBar({
      stream: terminal,
      format: "{bar} {done}/{total} rounds{left} · {status}",
      barsize: 24,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      linewrap: true, // cuts the bar at the width, instead of writing over its last column
    });
    this.#bar.start(this.#total, 0, { done: 0, left: "", status: "waiting for the clients" });
  }

  event({ arm, event }: ArmEvent): void {
    if (event.kind === "sampled" && this.#began?.arm !== arm.label)
      this.#began = { arm: arm.label, at: performance.now(), done: this.#done };
    this.#current = followRound(this.#current, event);
    const { round = 0, doing = "training" } = this.#current ?? {};
    const label = printable(arm.label, 200);
    this.#patience.waitFor(`${label} round ${round}, ${doing}`);
    if (event.kind === "stopped")
      this.#print(`${label} could not go on: ${event.reason}${event.where}`);
    else if (event.kind === "round")
      this.#finishRound(formatRound(arm, event.record, this.#primary));
    else this.#show(`${label} round ${round}: ${this.#formatStep()}`);
  }

  /** Advances the bar by the rounds that a resumed trial has already completed. */
  skip(rounds: number): void {
    this.#done = this.#skipped = rounds;
    this.#show("waiting for the clients");
  }

  /** Prints a notice, on lines of its own. */
  notice(text: string): void {
    this.#print(text);
  }

  stop(): void {
    this.#patience.stop();
    this.#bar?.stop();
  }

  #finishRound(status: string): void {
    // Without a bar, a program that reads the lines learns from the first one how many will come.
    if (!this.#bar && this.#done === this.#skipped) this.#print(`${this.#total} rounds in all`);
    this.#done++;
    this.#current &&= { ...this.#current, asked: 0, answered: 0 };
    if (!this.#bar || this.#current?.round === this.#rounds) this.#print(status);
    this.#show(status);
  }

  #formatStep(): string {
    const { doing = "training", asked = 0, answered = 0 } = this.#current ?? {};
    return doing === "training" ? `${answered} of ${asked} clients have answered` : doing;
  }

  /** Redraws the bar. */
  #show(status: string): void {
    if (!this.#bar) return;
    const { asked = 0, answered = 0 } = this.#current ?? {};
    const share = asked === 0 ? 0 : answered / asked;
    const value = this.#done + answeredShare * share;
    this.#bar.update(value, { done: this.#done, left: this.#formatLeft(value), status });
  }

  /**
   * Estimates the time left from the rounds of the arm that runs, because arms differ; empty before
   * the first round is done.
   */
  #formatLeft(value: number): string {
    if (this.#began && this.#done > this.#began.done)
      this.#pace = (performance.now() - this.#began.at) / 1000 / (value - this.#began.done);
    if (this.#pace === undefined || this.#done === this.#total) return "";
    return `, ${formatTime(this.#pace * (this.#total - value))} left`;
  }

  /** Prints a line of its own, above the bar if it is shown. */
  #print(line: string): void {
    if (!this.#bar) {
      this.#terminal.write(`${line}\n`);
      return;
    }
    cursorTo(this.#terminal, 0);
    clearLine(this.#terminal, 0);
    // When it stops, cli-progress goes to the place that was saved at its start.
    const text = wrapMessage(line, this.#terminal);
    this.#terminal.write(`${text}\n${saveCursor}`);
  }
}

/**
 * Formats a round in one line:
 * `clair round 2: accuracy 0.849 · training loss 0.430 · flagged c03 c07 · 1 failed`. Parts without
 * data are left out, and only the first flagged clients are listed.
 * @param primary a metric, which is printed first: its mean over clients that are not contaminated,
 *   or what the coordinator measured
 */
export function formatRound(arm: Arm, record: RoundRecord, primary?: string): string {
  const losses = record.clients.flatMap(({ attack, train }) =>
    attack === null ? (readMetric(train, "loss") ?? []) : [],
  );
  const value = primary === undefined ? undefined : readRoundMetric(record, primary);
  const flagged = record.clients.filter(isFlagged).map(({ clientId }) => clientId);
  const failed = record.clients.filter(({ failure }) => failure).length;
  const parts = [
    ...(value === undefined ? [] : [`${printable(primary ?? "", 200)} ${formatNumber(value)}`]),
    ...(losses.length > 0 ? [`training loss ${mean(losses).toFixed(3)}`] : []),
    ...(roundDetection(record.clients) ? [`flagged ${formatIds(flagged)}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const round = `${printable(arm.label, 200)} round ${record.round}`;
  return [round, parts.join(" · ")].filter(Boolean).join(": ");
}

function formatIds(ids: readonly string[]): string {
  if (ids.length === 0) return "none";
  return ids.length <= 8 ? ids.join(" ") : `${ids.slice(0, 8).join(" ")} +${ids.length - 8}`;
}
