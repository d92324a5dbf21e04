import type { BackendChoice } from "@fedclair/compute";
import type { CheckpointOptions, PlaceOptions } from "@fedclair/runs/program";

export interface RunOptions extends PlaceOptions, CheckpointOptions {
  readonly set: readonly string[];
  readonly hosts?: number;
  /** Where the coordinator serves /metrics and /healthz. */
  readonly metrics?: string;
  readonly transport: "socket" | "memory";
  /** Go on with the run that lies in the folder? */
  readonly resume?: boolean;
  readonly json: boolean;
  readonly report: boolean;
  readonly backend: BackendChoice;
}
