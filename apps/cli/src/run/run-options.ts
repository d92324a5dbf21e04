import type { BackendChoice } from "@fedclair/compute";
import type { CheckpointOptions, PlaceOptions } from "@fedclair/runs/program";

export interface RunOptions extends PlaceOptions, CheckpointOptions {
  readonly set: readonly string[];
  /** The value of --seeds: a number of seeds, or a list of them. */
  readonly seeds?: string;
  /** Number of runs at a time, if there are several seeds. */
  readonly jobs?: number;
  readonly hosts?: number;
  /** The Python interpreter that runs external clients, if the trial names their code. */
  readonly python?: string;
  /** The device that Python clients compute on. Default: where their model is. */
  readonly device?: string;
  /** `parent`: the parent process runs the external clients, with the token of its environment. */
  readonly external?: "parent";
  /** Address at which the coordinator serves /metrics and /healthz. */
  readonly metrics?: string;
  /** Where to show the run in a browser: an address, or `true` for any free port. */
  readonly open?: string | true;
  readonly transport: "socket" | "memory";
  /** True to resume the run in the folder. */
  readonly resume?: boolean;
  readonly json: boolean;
  readonly report: boolean;
  readonly backend: BackendChoice;
}
