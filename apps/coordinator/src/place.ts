import type { ArmEvent } from "@fedclair/runs";

/** The current position of a trial, for log lines and `/healthz`. */
export class Place {
  readonly trial: string;
  arm: string | undefined;
  /** The current or last round; 1-based. */
  round: number | undefined;
  /** The reason why the trial has failed. */
  failure: string | undefined;

  constructor(trial: string) {
    this.trial = trial;
  }

  event({ arm, event }: ArmEvent): void {
    if (event.kind !== "sampled") return;
    this.arm = arm.label;
    this.round = event.round;
  }
}
