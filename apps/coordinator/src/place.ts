import type { ArmEvent } from "@fedclair/runs";

/** Where a trial is: what lines of the log carry, and what `/healthz` tells. */
export class Place {
  readonly trial: string;
  arm: string | undefined;
  /** The round under way, or done last; 1-based. */
  round: number | undefined;
  /** Why the trial failed. */
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
