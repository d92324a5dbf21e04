import {
  shapesOf,
  type Aggregate,
  type Ask,
  type Params,
  type Round,
  type Start,
  type StartContext,
  type Step,
} from "@fedclair/core";
import type { Matrix, Stream } from "@fedclair/linalg";
import { Float64Adam, type AdamState } from "@fedclair/tasks/shared";
import { beta2, cosineDecay } from "./schedule.js";
import { createClassesArtifact, createTransportArtifact } from "./artifacts.js";
import { adaptedModules } from "./lora.js";
import {
  makeClassYardstick,
  makeYardstick,
  measureConditional,
  measureTransport,
  measureWithoutRequest,
  type ClassYardstick,
  type Yardstick,
} from "./measure.js";
import { initialNetwork, moduleNames, type ModuleName, type Network } from "./network.js";
import type { Options } from "./options.js";
import { addChange, networkOf, toTensors, sumTerms } from "./params.js";
import { centresOf, drawRing, isTable, ringLike, ringOf } from "./points.js";
import { canonicalRate, trainCentrally } from "./training.js";
import { createSource, openCondition, type World } from "./world.js";

/** Number of points on which a base is trained. */
const basePoints = 4000;
/** Number of points per mode with which a conditional network is measured. */
const classPoints = 300;

interface Yardsticks {
  readonly all: Yardstick;
  /** The yardstick of a conditional network. */
  readonly classes?: ClassYardstick;
}

/** The coordinator half: holds the value network, steps it, and measures the transport. */
export class Coordinator {
  readonly #options: Options;
  readonly #world: World;
  /** The same in every round, and slow to create. */
  #yardsticks: Promise<Yardsticks> | undefined;

  constructor(options: Options, world: World) {
    this.#options = options;
    this.#world = world;
  }

  /**
   * Creates a fresh network or, in mode lora, one that already transports to a ring with the same
   * number of modes.
   */
  async start({ rng }: StartContext): Promise<Start<AdamState | undefined>> {
    const params = await this.#network(rng);
    return { params, ask: this.#askOf(params) };
  }

  async #network(rng: Stream): Promise<Params> {
    const { mode, method, hidden, source, target, baseSteps } = this.#options;
    const { dimensions } = this.#world;
    const inputs = dimensions + 1 + openCondition(this.#options, this.#world).length;
    const outputs = method === "value" ? 1 : dimensions;
    const start = initialNetwork(inputs, hidden, rng.at("network"), outputs);
    // The schema rejects mode lora for the user's own points.
    if (mode !== "lora" || isTable(source)) return toTensors(start);
    const data = {
      target: drawRing(ringLike(target), basePoints, rng.at("base target")),
      source: createSource(source, basePoints, rng.at("base source")),
    };
    const schedule = { steps: baseSteps, learningRate: canonicalRate };
    return toTensors(await trainCentrally(start, data, this.#options, schedule, rng.at("base")));
  }

  /** Tells clients which modules to send. In mode lora these are only the adapted ones. */
  #askOf(params: Params): Ask {
    const sentModules: readonly string[] =
      this.#options.mode === "lora" ? adaptedModules : moduleNames;
    const expects = [...shapesOf(params)].filter(([name]) => sentModules.includes(name));
    return { phase: "train", expects: new Map(expects) };
  }

  /**
   * In mode gradient, makes an Adam step down the aggregate. In other modes, adds the aggregate.
   * Measures every few rounds.
   */
  async step(
    { round, params: before, state, fixedRng }: Round<AdamState | undefined>,
    aggregate: Aggregate,
  ): Promise<Step<AdamState | undefined>> {
    const { mode, schedule, learningRate, measureEvery } = this.#options;
    const { change } = await aggregate();
    const network = networkOf(before);
    const total = sumTerms(change, network);
    const adam = new Float64Adam<ModuleName>(beta2, state);
    const next: Network =
      mode === "gradient"
        ? {
            ...adam.step(network, total, cosineDecay(learningRate, round - 1, schedule)),
            b3: network.b3,
          }
        : addChange(network, total);
    const params = toTensors(next);
    const isDue = round % measureEvery === 0 || round === schedule;
    return {
      params,
      ...(round >= schedule && { next: "end" as const }),
      ...(mode === "gradient" && { state: adam.state }),
      ...(isDue && (await this.#measure(params, fixedRng))),
    };
  }

  /**
   * Computes the metrics of `measureTransport` and, for a conditional network, of
   * `measureConditional`.
   */
  async #measure(params: Params, rng: Stream): Promise<Pick<Step, "metrics" | "artifacts">> {
    const { target } = this.#options;
    const network = networkOf(params);
    const { all, classes } = await (this.#yardsticks ??= this.#makeYardsticks(rng));
    const condition = openCondition(this.#options, this.#world);
    const ring = ringOf(target);
    const measurement = await measureTransport(network, all, this.#options, ring, condition);
    const byClass = classes && (await this.#measureClasses(network, classes, all.targets));
    return {
      metrics: { ...measurement.metrics, ...byClass?.metrics },
      artifacts: {
        transport: createTransportArtifact(measurement, all),
        ...(byClass && { classes: byClass.artifact }),
      },
    };
  }

  async #makeYardsticks(rng: Stream): Promise<Yardsticks> {
    const { evaluationSamples, conditional, target } = this.#options;
    const { targets, otherTargets } = this.#world.fresh(evaluationSamples, rng);
    const starts = this.#world.starts(targets.points.rows, rng.at("starts"));
    const all = await makeYardstick(starts, targets.points, otherTargets.points);
    if (!conditional) return { all };
    const classStarts = this.#world.starts(classPoints, rng.at("class starts"));
    const ring = ringOf(target);
    const classes = await makeClassYardstick(
      classStarts,
      targets,
      otherTargets,
      ring && centresOf(ring),
    );
    return { all, classes };
  }

  async #measureClasses(network: Network, yardstick: ClassYardstick, targets: Matrix) {
    const { guidance } = this.#options;
    const plain = await measureConditional(network, yardstick, this.#options, 0);
    const guided = await measureConditional(
      network,
      yardstick,
      { ...this.#options, measureSteps: [] },
      guidance,
    );
    const { truth } = yardstick;
    return {
      metrics: {
        classAccuracy: plain.measures.accuracy,
        worstClassAccuracy: plain.measures.worstAccuracy,
        trueClassAccuracy: truth.accuracy,
        classDeviation: plain.measures.deviation,
        trueClassDeviation: truth.deviation,
        classW2: plain.measures.w2,
        ...plain.measures.bySteps,
        classW2Floor: truth.w2,
        anyClassW2: await measureWithoutRequest(network, yardstick, this.#options),
        guidedAccuracy: guided.measures.accuracy,
        guidedDeviation: guided.measures.deviation,
        guidedW2: guided.measures.w2,
      },
      artifact: createClassesArtifact(plain.ends, guided.ends, this.#world.classes, targets),
    };
  }
}
