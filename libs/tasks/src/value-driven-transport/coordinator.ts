import {
  UserError,
  type Aggregation,
  type Metrics,
  type Params,
  type RoundState,
  type Step,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { Adam, cosineDecay } from "./adam.js";
import { sourceOf } from "./client-data.js";
import { classesArtifact, transportArtifact } from "./artifacts.js";
import { makeYardstick, measureConditional, measureTransport, type Yardstick } from "./measure.js";
import { initialNetwork, type ModuleName, type Network } from "./network.js";
import { openCondition, type Options } from "./options.js";
import { moved, networkOf, tensorsOf, totalOf } from "./params.js";
import { drawRing, drawSample, ringLike, ringOf, type Ring } from "./points.js";
import { canonicalRate, trainCentrally } from "./training.js";

/** Points that a base is trained on. */
const basePoints = 4000;
/** Points of each mode that a conditional network is measured with. */
const classPoints = 300;

/** The coordinator's half: holds the value network, steps it, and measures where it transports to. */
export class Coordinator {
  readonly #options: Options;
  readonly #adam = new Adam<ModuleName>();
  #yardstick: Promise<Yardstick> | undefined;
  #isDue = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** A fresh network; in mode lora, one that already transports to a ring of as many modes. */
  async init(rng: Stream): Promise<Params> {
    const { mode, hidden, source, target, baseSteps } = this.#options;
    const inputs = 3 + openCondition(this.#options).length;
    const start = initialNetwork(inputs, hidden, rng.at("network"));
    if (mode !== "lora") return tensorsOf(start);
    const data = {
      target: drawRing(ringLike(target), basePoints, rng.at("base target")),
      source: sourceOf(source, basePoints, rng.at("base source")),
    };
    const schedule = { steps: baseSteps, learningRate: canonicalRate };
    return tensorsOf(await trainCentrally(start, data, this.#options, schedule, rng.at("base")));
  }

  /** Mode gradient: an Adam step down the aggregate. Else the aggregate is the step. */
  reduce({ round, global }: RoundState, aggregate: Aggregation): Step {
    const { mode, schedule, learningRate, measureEvery } = this.#options;
    requireShared(aggregate);
    this.#isDue = round % measureEvery === 0 || round === schedule;
    const network = networkOf(global);
    const total = totalOf(aggregate.global, network);
    const next: Network =
      mode === "gradient"
        ? {
            ...this.#adam.step(network, total, cosineDecay(learningRate, round - 1, schedule)),
            b3: network.b3,
          }
        : moved(network, total);
    return { global: tensorsOf(next), done: round >= schedule };
  }

  /** Every few rounds; see `measureTransport` for the metrics. */
  async evaluate(
    global: Params,
    rng: Stream,
  ): Promise<{ metrics?: Metrics; artifacts?: Readonly<Record<string, unknown>> }> {
    if (!this.#isDue) return {};
    const { target, horizon, conditional } = this.#options;
    const network = networkOf(global);
    const yardstick = await (this.#yardstick ??= this.#makeYardstick(rng));
    const condition = openCondition(this.#options);
    const ring = ringOf(target);
    const measured = await measureTransport(network, yardstick, horizon, ring, condition);
    const classes = conditional && ring ? this.#measureClasses(network, ring, rng) : undefined;
    return {
      metrics: { ...measured.metrics, ...classes?.metrics },
      artifacts: {
        transport: transportArtifact(measured, yardstick),
        ...(classes && { classes: classes.artifact }),
      },
    };
  }

  #makeYardstick(rng: Stream): Promise<Yardstick> {
    const { source, target, evaluationSamples: count } = this.#options;
    return makeYardstick(
      drawSample(source, count, rng.at("starts")).points,
      drawSample(target, count, rng.at("targets")).points,
      drawSample(target, count, rng.at("other targets")).points,
    );
  }

  #measureClasses(network: Network, ring: Ring, rng: Stream) {
    const { source, horizon, guidance } = this.#options;
    const starts = drawSample(source, classPoints, rng.at("class starts")).points;
    const plain = measureConditional(network, starts, horizon, ring, 0);
    const guided = measureConditional(network, starts, horizon, ring, guidance);
    return {
      metrics: {
        classAccuracy: plain.measures.accuracy,
        worstClassAccuracy: plain.measures.worstAccuracy,
        classDeviation: plain.measures.deviation,
        guidedAccuracy: guided.measures.accuracy,
        guidedDeviation: guided.measures.deviation,
      },
      artifact: classesArtifact(plain.ends, guided.ends),
    };
  }
}

/** The method has one network: an aggregator that gives each client its own leaves it where it is. */
function requireShared({ global, personal, verdicts }: Aggregation): void {
  if (global.length > 0 || personal === undefined || verdicts !== undefined) return;
  throw new UserError(
    "value-driven-transport needs an aggregator that changes the global params; this one leaves every client on its own " +
      "(local): choose fedavg, clair or another that averages",
  );
}
