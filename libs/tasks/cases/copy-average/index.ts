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

/** What one section of the file asks for. */
type Reader = (name: string, content: unknown) => readonly Job[];

const readers: Readonly<Record<string, Reader>> = {
  kernel: each(kernelCase),
  loss: each(lossCase),
  one_neuron: each(oneNeuronCase),
  copy_average: (name, content) => {
    const { optimal, partitions, ...others } = asFields(content, name);
    return [
      ...each(optimalCase)(`${name}.optimal`, optimal ?? []),
      ...each(partitionCase)(`${name}.partitions`, partitions ?? []),
      ...Object.keys(others).flatMap((key) => unknown(`${name}.${key}`)),
    ];
  },
  perturbed_copy: each(perturbedCopyCase),
  rng: (name, content) => [{ name, section: randomCase, entry: content }],
  classify: (name, content) => {
    const { V, cases, ...others } = asFields(content, name);
    const strange = Object.keys(others).filter((key) => key !== "k" && key !== "d");
    return [
      ...each(classifyCase(V))(name, cases),
      ...strange.flatMap((key) => unknown(`${name}.${key}`)),
    ];
  },
  outcomes: each(outcomesCase),
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

/** Sections that no other method's file has. */
const telling = ["one_neuron", "copy_average", "perturbed_copy", "outcomes", "classify"];

/** The format `{ kernel: […], loss: […], one_neuron: […], copy_average: {…}, …, federation: […] }`, any of them absent. */
export const copyAverageFormat: CaseFormat = {
  method: "copy-average",
  recognises: (file) => isFields(file) && telling.some((section) => section in file),
  run: async (file) => {
    const jobs = Object.entries(asFields(file, "file")).flatMap(
      ([name, content]) => readers[name]?.(name, content) ?? unknown(name),
    );
    const outcomes: Outcome[] = [];
    for (const job of jobs) outcomes.push(await outcomeOf(job));
    return outcomes;
  },
};

function each(section: Section): Reader {
  return (name, content) =>
    asList(content, name).map((entry, i) => ({ name: `${name} ${i}`, section, entry }));
}

function unknown(name: string): Job[] {
  const section = () => {
    throw new Error("no such section of a file of this method");
  };
  return [{ name, section, entry: {} }];
}

/** One broken case must not hide what the others say. */
async function outcomeOf({ name, section, entry }: Job): Promise<Outcome> {
  const report = new Report();
  try {
    await runSection(section, asFields(entry, name), report);
  } catch (error) {
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
