import type { Stream } from "@fedclair/linalg";
import type { ZodObject } from "zod";
import type { Aggregator } from "../contracts/aggregator.js";
import type { Attack } from "../contracts/attack.js";
import type { PersonalMethod } from "../contracts/personal.js";
import type { LocatedPlugin } from "../contracts/plugin-identity.js";
import type { Measures, TaskPlugin } from "../contracts/plugin.js";
import type { Task } from "../contracts/task.js";
import type { Arm } from "./arms.js";
import type { Contamination } from "./contamination.js";
import type { Devices } from "./devices.js";
import type { TrialMod } from "./mods.js";
import type { OptionChange } from "./option-changes.js";
import type { Trial } from "./trial.js";

/** An arm with its plug-ins. */
export interface PreparedArm extends Arm {
  readonly aggregator: Aggregator;
  /** What `personal` names. */
  readonly method?: NamedMethod;
}

/** The personal method of an arm. */
export interface NamedMethod {
  /** The index of the arm. */
  readonly arm: number;
  /** The name that messages show. */
  readonly name: string;
  readonly method: PersonalMethod;
}

/**
 * Everything that follows from a trial before its first round. It is created once per process, and
 * the checks, the notices, the runner and the reports all read it. Plug-ins keep no state, so the
 * arms and the in-process clients share the objects.
 */
export interface PreparedTrial {
  /** The trial with every default filled in. */
  readonly trial: Trial;
  /** The stream from which all random numbers of the trial come. */
  readonly rng: Stream;
  readonly clientIds: readonly string[];
  readonly taskPlugin: TaskPlugin;
  /** The main arm first. */
  readonly arms: readonly [PreparedArm, ...PreparedArm[]];
  /** One attack per entry of `trial.attacks`. */
  readonly attacks: readonly Attack[];
  /** The contaminated clients and their attacks: the truth, which no aggregator sees. */
  readonly contamination: Contamination;
  /** The kinds of data contamination that the task knows, with the schemas of their options. */
  readonly contaminations: ReadonlyMap<string, ZodObject>;
  readonly mods: readonly TrialMod[];
  /** The clients that fedclair does not simulate. */
  readonly external: ReadonlySet<string>;
  /** The clients whose truth is unknown: they may be contaminated or benign. */
  readonly unknown: ReadonlySet<string>;
  /** The first round without a client, for those that `trial.absent` names. */
  readonly absentFrom: ReadonlyMap<string, number>;
  /** The metrics of the task. */
  readonly measures: Measures;
  /** Simulated time; undefined if the trial does not simulate it. */
  readonly devices: Devices | undefined;
  /** The plug-ins that are not built in, with the files that they come from. */
  readonly outside: readonly LocatedPlugin[];
  /** Sentences about what may surprise the user, printed when the trial starts. */
  readonly notices: readonly string[];
  /** Lists the options of the trial that are not at their defaults. */
  listChanges(): readonly OptionChange[];
  /**
   * Creates the task, which reads its data; later calls return the same task.
   * @throws UserError naming the task if it fails, or cannot serve this many clients
   */
  loadTask(): Promise<Task>;
}
