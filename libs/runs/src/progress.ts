import { printable, type RoundRecord, type Trial } from "@fedclair/core";
import { SingleBar } from "cli-progress";
import { armsOf, type Arm } from "./arms.js";
import { mean } from "./numbers.js";
import type { ArmEvent } from "./run-trial.js";
import { detectionOf } from "./detection.js";
import { metricOf } from "./measure.js";
import { isFlagged } from "./truth.js";

/** Tells people how far a trial is, on stderr: a bar on a terminal, else a line a round. */
export class Progress {
  readonly #bar: SingleBar | undefined;

  constructor(trial: Trial, terminal: NodeJS.WriteStream = process.stderr) {
    if (!terminal.isTTY) return;
    const format = "{bar} {value}/{total} rounds · {told}";
    this.#bar = new SingleBar({
      stream: terminal,
      format,
      barsize: 24,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      // Drawn after each round and no oftener: between two of them there is nothing new to tell.
      noTTYOutput: false,
    });
    this.#bar.start(trial.rounds * armsOf(trial).length, 0, { told: "waiting for the clients" });
  }

  event({ arm, event }: ArmEvent): void {
    if (event.kind !== "round") return;
    const told = tell(arm, event.record);
    if (this.#bar) this.#bar.increment(1, { told });
    else process.stderr.write(told + "\n");
  }

  /** Of a trial that goes on: rounds that it had done. */
  skip(rounds: number): void {
    this.#bar?.update(rounds);
  }

  stop(): void {
    this.#bar?.stop();
  }
}

/** `clair round 2: training loss 0.430 · flagged c03 c07 · 1 failed`, as much of it as there is, and of the flagged the first. */
export function tell(arm: Arm, record: RoundRecord): string {
  const losses = record.clients.flatMap(({ attack, train }) =>
    attack === null ? (metricOf(train, "loss") ?? []) : [],
  );
  const flagged = record.clients.filter(isFlagged).map(({ clientId }) => clientId);
  const failed = record.clients.filter(({ failure }) => failure).length;
  const parts = [
    ...(losses.length > 0 ? [`training loss ${mean(losses).toFixed(3)}`] : []),
    ...(detectionOf(record.clients) ? [`flagged ${listed(flagged)}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const round = `${printable(arm.label, 200)} round ${record.round}`;
  return [round, parts.join(" · ")].filter(Boolean).join(": ");
}

function listed(ids: readonly string[]): string {
  if (ids.length === 0) return "none";
  return ids.length <= 8 ? ids.join(" ") : `${ids.slice(0, 8).join(" ")} +${ids.length - 8}`;
}
