import { printable, type RoundRecord, type Trial } from "@fedclair/core/internal";
import { SingleBar } from "cli-progress";
import { listArms, type Arm } from "@fedclair/core/internal";
import { mean } from "./numbers.js";
import type { ArmEvent } from "./run-trial.js";
import { roundDetection } from "./detection.js";
import { readMetric } from "./measure.js";
import { Patience } from "./patience.js";
import { isFlagged } from "./truth.js";

/** Prints the progress of a trial on stderr: a bar on a terminal, otherwise one line per round. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #terminal: NodeJS.WriteStream;
  readonly #patience: Patience;
  #round = 0;
  #doing: "training" | "aggregating" | "measuring" = "training";
  /** Clients of the current round that have not answered yet. */
  #missing = 0;

  constructor(trial: Trial, terminal: NodeJS.WriteStream = process.stderr) {
    this.#terminal = terminal;
    this.#patience = new Patience((line) => {
      if (this.#bar) this.#bar.update({ status: line });
      else terminal.write(`${line}\n`);
    });
    this.#patience.waitFor("clients and data");
    const rounds = trial.rounds * listArms(trial).length;
    if (!terminal.isTTY) {
      terminal.write(`${rounds} rounds in all\n`);
      return;
    }
    const format = "{bar} {value}/{total} rounds · {status}";
    this.#bar = new SingleBar({
      stream: terminal,
      format,
      barsize: 24,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      // The bar is redrawn after each round and rarely in between, because nothing new happens.
      noTTYOutput: false,
    });
    this.#bar.start(rounds, 0, { status: "waiting for the clients" });
  }

  event({ arm, event }: ArmEvent): void {
    this.#track(event);
    const label = printable(arm.label, 200);
    this.#patience.waitFor(`${label} round ${this.#round}, ${this.#doing}`);
    if (event.kind === "stopped")
      this.#print(`${label} could not go on: ${event.reason}${event.where}`);
    if (event.kind !== "round") return;
    const status = formatRound(arm, event.record);
    if (this.#bar) this.#bar.increment(1, { status });
    else this.#terminal.write(status + "\n");
  }

  /** Prints a line of its own, even while the bar is shown. */
  #print(line: string): void {
    if (this.#bar) this.#terminal.write("\n");
    this.#terminal.write(`${line}\n`);
  }

  #track(event: ArmEvent["event"]): void {
    if (event.kind === "sampled") {
      this.#round = event.round;
      this.#missing = event.cohort.length;
      this.#doing = "training";
    } else if (event.kind === "answered" && --this.#missing === 0) this.#doing = "aggregating";
    else if (event.kind === "aggregated") this.#doing = "measuring";
  }

  /** Advances the bar by the rounds that a resumed trial has already completed. */
  skip(rounds: number): void {
    this.#bar?.update(rounds);
  }

  stop(): void {
    this.#patience.stop();
    this.#bar?.stop();
  }
}

/**
 * Formats a round in one line: `clair round 2: training loss 0.430 · flagged c03 c07 · 1 failed`.
 * Parts without data are left out, and only the first flagged clients are listed.
 */
export function formatRound(arm: Arm, record: RoundRecord): string {
  const losses = record.clients.flatMap(({ attack, train }) =>
    attack === null ? (readMetric(train, "loss") ?? []) : [],
  );
  const flagged = record.clients.filter(isFlagged).map(({ clientId }) => clientId);
  const failed = record.clients.filter(({ failure }) => failure).length;
  const parts = [
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
