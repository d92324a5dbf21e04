import type { Playground } from "./playground.js";
import type { Setting } from "./settings.js";

/** What a finished run says, for the checks. */
interface Outcome {
  readonly setting: Setting;
  /** The last mean accuracy of the benign clients, by arm. */
  readonly accuracy: ReadonlyMap<string, number>;
  /** Benign clients that ended flagged. */
  readonly falseAlarms: number;
  /** Contaminated clients that ended flagged. */
  readonly caught: number;
}

interface Exercise {
  readonly title: string;
  readonly task: string;
  /** Returns undefined if the setting answers the exercise, else why it does not. */
  readonly check: (outcome: Outcome) => string | undefined;
}

/** Exercises for a class, in order of difficulty. */
export const exercises: readonly Exercise[] = [
  {
    title: "A mean that harms",
    task: "With FedAvg at the server and at most 6 of 20 contaminated clients, make the benign ones end at least 0.05 below what they reach alone.",
    check: ({ setting, accuracy }) => {
      if (setting.rule !== "fedavg") return "choose FedAvg as the rule";
      if (setting.share > 0.3) return "at most 6 of 20 clients may be contaminated";
      const lost = (accuracy.get("local") ?? NaN) - (accuracy.get("fedavg") ?? NaN);
      return lost >= 0.05 ? undefined : `FedAvg ends ${describeGap(lost)} training alone`;
    },
  },
  {
    title: "A false alarm",
    task: "Nobody is contaminated. Find a rule that flags an honest client all the same.",
    check: ({ setting, falseAlarms }) => {
      if (setting.share > 0) return "choose 0 of 20 contaminated clients";
      return falseAlarms > 0 ? undefined : `${setting.rule} flags nobody`;
    },
  },
  {
    title: "Unseen",
    task: "With CLAIR at the server, find an attack by at least 2 clients of which none is flagged in the last round. Then look at the accuracy: did it do any harm?",
    check: ({ setting, caught }) => {
      if (setting.rule !== "clair") return "choose CLAIR as the rule";
      if (setting.share < 0.1) return "at least 2 clients have to attack";
      return caught === 0 ? undefined : `${caught} of them were flagged`;
    },
  },
];

function describeGap(lost: number): string {
  return lost > 0 ? `${lost.toFixed(3)} below` : `${(-lost).toFixed(3)} above`;
}

/** Says whether the run on the page answers an exercise. */
export function checkExercise({ check }: Exercise, playground: Playground) {
  const outcome = readOutcome(playground);
  if (!outcome) return { isAnswered: false, text: "Checked when the run is over." };
  const why = check(outcome);
  if (why === undefined) return { isAnswered: true, text: "This setting answers it." };
  return { isAnswered: false, text: `Not yet: ${why}.` };
}

function readOutcome({ stage, run, setting, followed }: Playground): Outcome | undefined {
  if (stage.value.name !== "done" || !run.value) return undefined;
  const { data } = followed.grown.value;
  const flagged = run.value.flagged.map(({ truth }) => truth);
  return {
    setting: setting.value,
    accuracy: new Map(
      run.value.arms.map(({ label }, i) => [label, data.arm(i).measured.at(-1)?.mean ?? NaN]),
    ),
    falseAlarms: flagged.filter((truth) => truth === "benign").length,
    caught: flagged.filter((truth) => truth !== "benign").length,
  };
}
