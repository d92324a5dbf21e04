import type { BackendChoice } from "@fedclair/compute";
import type { CheckpointOptions, PlaceOptions } from "@fedclair/runs/program";
import type { PythonOptions } from "../processes/read-hosts.js";

export interface RunOptions extends PlaceOptions, CheckpointOptions, PythonOptions {
  readonly set: readonly string[];
  /** The value of --seeds: a number of seeds, or a list of them. */
  readonly seeds?: string;
  /** Number of runs at a time, if there are several seeds. */
  readonly jobs?: number;
  readonly hosts?: number;
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
