import { printable, type RoundRecord, type Trial } from "@fedclair/core/internal";
import { SingleBar } from "cli-progress";
import { listArms, type Arm } from "@fedclair/core/internal";
import { mean } from "./numbers.js";
import type { ArmEvent } from "./run-trial.js";
import { roundDetection } from "./detection.js";
import { readMetric } from "./measure.js";
import { Patience } from "./patience.js";
import { isFlagged } from "./truth.js";

/** Tells people how far a trial is, on stderr: a bar on a terminal, else a line a round. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #terminal: NodeJS.WriteStream;
  readonly #patience: Patience;
  #round = 0;
  #doing: "training" | "aggregating" | "measuring" = "training";
  /** Clients of the round under way that have not been heard of yet. */
  #missing = 0;

  constructor(trial: Trial, terminal: NodeJS.WriteStream = process.stderr) {
    this.#terminal = terminal;
    this.#patience = new Patience((line) => {
      if (this.#bar) this.#bar.update({ told: line });
      else terminal.write(`${line}\n`);
    });
    this.#patience.waitFor("clients and data");
    if (!terminal.isTTY) return;
    const format = "{bar} {value}/{total} rounds · {told}";
    this.#bar = new SingleBar({
      stream: terminal,
      format,
      barsize: 24,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      // Drawn after each round, and seldom in between: there is nothing new to tell.
      noTTYOutput: false,
    });
    this.#bar.start(trial.rounds * listArms(trial).length, 0, { told: "waiting for the clients" });
  }

  event({ arm, event }: ArmEvent): void {
    this.#follow(event);
    const label = printable(arm.label, 200);
    this.#patience.waitFor(`${label} round ${this.#round}, ${this.#doing}`);
    if (event.kind === "stopped")
      this.#print(`${label} could not go on: ${event.reason}${event.where}`);
    if (event.kind !== "round") return;
    const told = tell(arm, event.record);
    if (this.#bar) this.#bar.increment(1, { told });
    else this.#terminal.write(told + "\n");
  }

  /** A line of its own, also beside a bar. */
  #print(line: string): void {
    if (this.#bar) this.#terminal.write("\n");
    this.#terminal.write(`${line}\n`);
  }

  #follow(event: ArmEvent["event"]): void {
    if (event.kind === "sampled") {
      this.#round = event.round;
      this.#missing = event.cohort.length;
      this.#doing = "training";
    } else if (event.kind === "answered" && --this.#missing === 0) this.#doing = "aggregating";
    else if (event.kind === "aggregated") this.#doing = "measuring";
  }

  /** Of a trial that goes on: rounds that it had done. */
  skip(rounds: number): void {
    this.#bar?.update(rounds);
  }

  stop(): void {
    this.#patience.stop();
    this.#bar?.stop();
  }
}

/** `clair round 2: training loss 0.430 · flagged c03 c07 · 1 failed`, as much of it as there is, and of the flagged the first. */
export function tell(arm: Arm, record: RoundRecord): string {
  const losses = record.clients.flatMap(({ attack, train }) =>
    attack === null ? (readMetric(train, "loss") ?? []) : [],
  );
  const flagged = record.clients.filter(isFlagged).map(({ clientId }) => clientId);
  const failed = record.clients.filter(({ failure }) => failure).length;
  const parts = [
    ...(losses.length > 0 ? [`training loss ${mean(losses).toFixed(3)}`] : []),
    ...(roundDetection(record.clients) ? [`flagged ${listed(flagged)}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const round = `${printable(arm.label, 200)} round ${record.round}`;
  return [round, parts.join(" · ")].filter(Boolean).join(": ");
}

function listed(ids: readonly string[]): string {
  if (ids.length === 0) return "none";
  return ids.length <= 8 ? ids.join(" ") : `${ids.slice(0, 8).join(" ")} +${ids.length - 8}`;
}
