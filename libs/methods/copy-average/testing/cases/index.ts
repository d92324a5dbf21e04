import {
  asFields,
  isFields,
  asList,
  Report,
  type CaseFormat,
  type Outcome,
} from "@fedclair/core/cases";
import { classifyCase, kernelCase, lossCase, randomCase } from "./basics.js";
import { givenWeightsCase, scenarioCase } from "./federation.js";
import { outcomesCase } from "./outcomes.js";
import { oneNeuronCase, optimalCase, partitionCase, perturbedCopyCase } from "./points.js";
import { runSection, type Section } from "./run.js";

/** One case to run. */
interface Job {
  readonly name: string;
  readonly section: Section;
  readonly entry: unknown;
}

/** Reads the cases from one section of the file. */
type Reader = (name: string, content: unknown) => readonly Job[];

const readers: Readonly<Record<string, Reader>> = {
  kernel: readEach(kernelCase),
  loss: readEach(lossCase),
  one_neuron: readEach(oneNeuronCase),
  copy_average: (name, content) => {
    const { optimal, partitions, ...others } = asFields(content, name);
    return [
      ...readEach(optimalCase)(`${name}.optimal`, optimal ?? []),
      ...readEach(partitionCase)(`${name}.partitions`, partitions ?? []),
      ...Object.keys(others).flatMap((key) => failUnknown(`${name}.${key}`)),
    ];
  },
  perturbed_copy: readEach(perturbedCopyCase),
  rng: (name, content) => [{ name, section: randomCase, entry: content }],
  classify: (name, content) => {
    const { V, cases, ...others } = asFields(content, name);
    const strange = Object.keys(others).filter((key) => key !== "k" && key !== "d");
    return [
      ...readEach(classifyCase(V))(name, cases),
      ...strange.flatMap((key) => failUnknown(`${name}.${key}`)),
    ];
  },
  outcomes: readEach(outcomesCase),
  federation: (name, content) =>
    asList(content, name).flatMap((entry) => {
      const scenario = asFields(entry, name);
      const title = `${name} ${String(scenario.name)}`;
      return [
        { name: title, section: scenarioCase, entry },
        ...("clients" in scenario
          ? [{ name: `${title}, given weights`, section: givenWeightsCase, entry }]
          : []),
      ];
    }),
};

/** Sections that occur only in files of this method. */
const distinctiveSections = [
  "one_neuron",
  "copy_average",
  "perturbed_copy",
  "outcomes",
  "classify",
];

/**
 * The format `{ kernel: […], loss: […], one_neuron: […], copy_average: {…}, …, federation: […] }`;
 * each section is optional.
 */
export const format: CaseFormat = {
  method: "copy-average",
  recognises: (file) => isFields(file) && distinctiveSections.some((section) => section in file),
  run: async (file) => {
    const jobs = Object.entries(asFields(file, "file")).flatMap(
      ([name, content]) => readers[name]?.(name, content) ?? failUnknown(name),
    );
    const outcomes: Outcome[] = [];
    for (const job of jobs) outcomes.push(await runJob(job));
    return outcomes;
  },
};

function readEach(section: Section): Reader {
  return (name, content) =>
    asList(content, name).map((entry, i) => ({ name: `${name} ${i}`, section, entry }));
}

function failUnknown(name: string): Job[] {
  const section = () => {
    throw new Error("no such section of a file of this method");
  };
  return [{ name, section, entry: {} }];
}

/** Runs one case. A broken case must not hide the results of the others. */
async function runJob({ name, section, entry }: Job): Promise<Outcome> {
  const report = new Report();
  try {
    await runSection(section, asFields(entry, name), report);
  } catch (error) {
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
