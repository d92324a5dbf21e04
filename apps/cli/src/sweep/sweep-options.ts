import type { BackendChoice } from "@fedclair/compute";
import { UserError } from "@fedclair/core/errors";
import type { PythonOptions } from "../processes/read-hosts.js";

/** Task `index`, from 0, of `count`. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** Parses the value of --share. @throws UserError unless it has the form 0/4 */
export function parseShare(text: string): Share {
  const [index = NaN, count = NaN] = /^\d{1,6}\/\d{1,6}$/.test(text)
    ? text.split("/").map(Number)
    : [];
  if (index < count) return { index, count };
  throw new UserError(
    `--share: expected the number of a task, from 0, and how many there are, such as 0/4; got '${text}'`,
  );
}

export interface SweepOptions extends PythonOptions {
  readonly set: readonly string[];
  readonly out?: string | undefined;
  /** Number of trials at a time, each in its own process; with 1, trials run in this process. */
  readonly jobs: number;
  /** Address of the queue for workers; true: from the environment. */
  readonly queue?: string | true;
  /** True to submit the sweep as a Slurm job array that runs `jobs` trials at a time. */
  readonly slurm?: boolean;
  readonly slurmOptions?: string;
  /** True to write the job script without submitting it. */
  readonly slurmDryRun?: boolean;
  /** Run only these trials, as one of the tasks of an engine that have the same sweep. */
  readonly share?: Share;
  /** The TensorFlow.js backend. Default: chosen by task. */
  readonly backend?: BackendChoice;
  /** False to write neither `report.html` nor figures. Default: true. */
  readonly report?: boolean;
  readonly json: boolean;
}
