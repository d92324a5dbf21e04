import type { BackendChoice } from "@fedclair/compute";
import type { PythonOptions } from "../processes/read-hosts.js";

export interface SweepOptions extends PythonOptions {
  readonly set: readonly string[];
  readonly out?: string | undefined;
  /** Number of trials at a time, each in its own process; with 1, trials run in this process. */
  readonly jobs: number;
  /** Address of the queue for workers; true: from the environment. */
  readonly queue?: string | true;
  /** True to submit the sweep as a Slurm job array with `jobs` tasks. */
  readonly slurm?: boolean;
  readonly slurmOptions?: string;
  /** True to write the job script without submitting it. */
  readonly slurmDryRun?: boolean;
  /** The TensorFlow.js backend. Default: chosen by task. */
  readonly backend?: BackendChoice;
  /** False to write neither `report.html` nor figures. Default: true. */
  readonly report?: boolean;
  readonly json: boolean;
}
