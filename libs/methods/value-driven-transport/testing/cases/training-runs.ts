import { UserError, type Metrics } from "@fedclair/core";
import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { stream } from "@fedclair/linalg";
import { makeYardstick, measureTransport } from "../../src/measure.js";
import { initialNetwork } from "../../src/network.js";
import { drawSample, ringOf, type Distribution } from "../../src/points.js";
import {
  canonical,
  canonicalHidden,
  canonicalRate,
  sourceFrom,
  trainCentrally,
} from "../../src/training.js";
import { readNumber } from "./kind.js";

const trainingPoints = 4000;
/**
 * The thresholds are for 2000 points. With fewer points W2 is larger on average, but takes a fifth
 * of the time.
 */
const measuringPoints = 1000;

const distributionNames: Readonly<Record<string, Distribution>> = {
  normal: "normal",
  moons: "moons",
  scurve: "scurve",
};

/** The metric that each threshold bounds, and the side. */
const bounds: Readonly<Record<string, readonly [metric: string, side: "min" | "max" | "equal"]>> = {
  W2_max: ["w2", "max"],
  one_step_W2_max: ["oneStepW2", "max"],
  one_step_W2_min: ["oneStepW2", "min"],
  straightness_max: ["straightness", "max"],
  straightness_min: ["straightness", "min"],
  optimality_max: ["optimality", "max"],
  modes_covered: ["modesCovered", "equal"],
  inside_min: ["inside", "min"],
};

/**
 * Compares a training run of seed 1 with its thresholds, which takes about five seconds. The field
 * `measured` describes another implementation and is not read.
 */
export async function runTraining(run: Fields, report: Report): Promise<void> {
  const readFields = ["name", "source", "target", "steps", "measured", "thresholds"];
  for (const field of Object.keys(run)) {
    if (!readFields.includes(field)) report.fail(field, "no such field of a training run");
  }
  const metrics = await train(run);
  for (const [name, limit] of Object.entries(asFields(run.thresholds, "thresholds"))) {
    checkBound(name, limit, metrics, report);
  }
}

async function train(run: Fields): Promise<Metrics> {
  const rng = stream(1).at("training", String(run.name));
  const source = readDistribution(run, "source");
  const target = readDistribution(run, "target");
  const draw = (name: Distribution, count: number, key: string) =>
    drawSample(name, count, rng.at(key));
  const data = {
    target: draw(target, trainingPoints, "target"),
    source: sourceFrom(draw(source, trainingPoints, "source").points),
  };
  const independent = String(run.name).includes("independent_pairs");
  const settings = { ...canonical, coupling: independent ? "independent" : "entropic" } as const;
  const schedule = { steps: readNumber(run, "steps"), learningRate: canonicalRate };
  const start = initialNetwork(3, canonicalHidden, rng.at("init"));
  const network = await trainCentrally(start, data, settings, schedule, rng.at("train"));
  const yardstick = await makeYardstick(
    draw(source, measuringPoints, "starts").points,
    draw(target, measuringPoints, "targets").points,
    draw(target, measuringPoints, "other targets").points,
  );
  const { metrics } = await measureTransport(network, yardstick, canonical, ringOf(target));
  return metrics;
}

function readDistribution(run: Fields, field: string): Distribution {
  const described = String(run[field]);
  const name = distributionNames[described];
  if (name) return name;
  const [, modes, radius, deviation] =
    /^(\d+) modes, radius ([\d.]+), std ([\d.]+)$/.exec(described) ?? [];
  if (modes !== undefined) {
    return {
      modes: Number(modes),
      radius: Number(radius),
      rotation: 0,
      deviation: Number(deviation),
    };
  }
  const supported = [...Object.keys(distributionNames), "8 modes, radius 2, std 0.2"].join("; ");
  throw new UserError(`${field}: expected one of ${supported}, got ${String(run[field])}`);
}

function checkBound(name: string, limit: unknown, metrics: Metrics, report: Report): void {
  if (name === "energy_over_W22") {
    const [low, high] = asList(limit, name).map((value) => asNumber(value, name));
    checkBetween(name, metrics.energyRatio ?? NaN, low ?? NaN, high ?? NaN, report);
    return;
  }
  const [metric, side] = bounds[name] ?? [];
  if (metric === undefined) {
    report.fail(name, "no such threshold of a training run");
    return;
  }
  const bound = asNumber(limit, name);
  const low = side === "max" ? -Infinity : bound;
  const high = side === "min" ? Infinity : bound;
  checkBetween(name, metrics[metric] ?? NaN, low, high, report);
}

function checkBetween(name: string, got: number, low: number, high: number, report: Report): void {
  if (got >= low && got <= high) return;
  report.fail(name, `got ${got}, expected ${low} … ${high}`);
}
