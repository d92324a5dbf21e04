import type { ClientRecord, ErrorCode, Trial } from "@fedclair/core/internal";
import { listArms } from "@fedclair/core/internal";
import {
  clientEvaluations,
  isFlagged,
  findLoss,
  meanMetric,
  readMetric,
  version,
  type ArmEvent,
} from "@fedclair/runs";
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

/** The part of a `SocketPool` that is measured. */
export interface ObservedPool {
  readonly joined: { readonly hosts: number; readonly clients: number };
  readonly traffic: {
    readonly bytesSent: number;
    readonly bytesReceived: number;
    readonly refused: ReadonlyMap<ErrorCode, number>;
  };
}

/**
 * A trial's metrics for Prometheus. Label values come only from the trial file and from fixed
 * lists, never from clients or hosts, so that untrusted messages cannot create series.
 */
export class TrialMetrics {
  readonly #registry = new Registry();
  readonly #primary: string | undefined;
  readonly #rounds;
  readonly #sampled;
  readonly #accepted;
  readonly #failures;
  readonly #lost;
  readonly #flagged;
  readonly #seconds;
  readonly #value;
  readonly #stopped;

  /** @param primary the task's primary metric, if it has one */
  constructor(trial: Trial, pool: ObservedPool, primary?: string) {
    const registers = [this.#registry];
    const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Gauge({ name: `fedclair_${name}`, help, labelNames, registers });
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter({ name: `fedclair_${name}`, help, labelNames, registers });

    collectDefaultMetrics({ register: this.#registry });
    this.#primary = primary;
    gauge("trial_info", "The running trial; always 1.", ["trial", "seed", "version"]).set(
      { trial: trial.name, seed: String(trial.seed), version },
      1,
    );
    this.#rounds = gauge("rounds_done", "Rounds written to disk.", ["arm"]);
    const planned = gauge("rounds_planned", "Maximum number of rounds.", ["arm"]);
    this.#stopped = gauge("arm_stopped", "1 if the arm stopped early.", ["arm"]);
    for (const { label: arm } of listArms(trial)) {
      this.#rounds.set({ arm }, 0);
      planned.set({ arm }, trial.rounds);
      this.#stopped.set({ arm }, 0);
    }
    this.#sampled = counter("clients_sampled_total", "Clients sampled, summed over rounds.", [
      "arm",
    ]);
    this.#accepted = counter("updates_accepted_total", "Admitted updates, summed over rounds.", [
      "arm",
    ]);
    this.#failures = counter(
      "client_failures_total",
      "Clients without an admitted answer, by stage and error code.",
      ["arm", "stage", "code"],
    );
    this.#lost = counter(
      "clients_lost_total",
      "Clients without an answer, by error code; a contaminated one counts only if its host failed.",
      ["arm", "code"],
    );
    this.#flagged = gauge("clients_flagged", "Clients flagged in the last round.", ["arm"]);
    this.#seconds = counter("stage_seconds_total", "Seconds spent, by stage of the round.", [
      "arm",
      "stage",
    ]);
    this.#value = gauge(
      "primary_metric",
      "The task's primary metric after the last round: the mean over the evaluating clients, or else the coordinator's value.",
      ["arm", "metric"],
    );
    this.#observe(pool);
  }

  /** Registers metrics that are read from the pool on each request. */
  #observe(pool: ObservedPool): void {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name: `fedclair_${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    const counter = (name: string, help: string, read: () => number) =>
      new Counter({
        name: `fedclair_${name}`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    gauge("hosts_joined", "Client hosts that have joined.", () => pool.joined.hosts);
    gauge(
      "clients_held",
      "Clients that the ready hosts have capacity for.",
      () => pool.joined.clients,
    );
    counter("sent_bytes_total", "Bytes sent to hosts.", () => pool.traffic.bytesSent);
    counter("received_bytes_total", "Bytes received from hosts.", () => pool.traffic.bytesReceived);
    new Counter({
      name: "fedclair_messages_refused_total",
      registers,
      help: "Messages from hosts that the coordinator rejected, by error code.",
      labelNames: ["code"],
      collect() {
        this.reset();
        for (const [code, count] of pool.traffic.refused) this.inc({ code }, count);
      },
    });
  }

  /** Starts the counters at the state of a resumed run. @param done completed rounds by arm */
  resumed(done: ReadonlyMap<string, number>): void {
    for (const [arm, rounds] of done) this.#rounds.set({ arm }, rounds);
  }

  event({ arm: { label: arm }, event }: ArmEvent): void {
    if (event.kind === "sampled") this.#sampled.inc({ arm }, event.cohort.length);
    if (event.kind === "stopped") this.#stopped.set({ arm }, 1);
    if (event.kind !== "round") return;
    const { record, timing } = event;
    this.#rounds.set({ arm }, record.round);
    this.#flagged.set({ arm }, record.clients.filter(isFlagged).length);
    this.#accepted.inc({ arm }, record.clients.filter(({ failure }) => !failure).length);
    for (const client of record.clients) this.#count(arm, client);
    for (const stage of ["train", "aggregate", "evaluate"] as const)
      this.#seconds.inc({ arm, stage }, timing[stage]);
    const metric = this.#primary;
    if (metric === undefined) return;
    const value =
      meanMetric(clientEvaluations(record.clients), metric)?.mean ??
      readMetric(record.metrics, metric);
    if (value !== undefined) this.#value.set({ arm, metric }, value);
  }

  #count(arm: string, client: ClientRecord): void {
    const { failure, evaluationFailure } = client;
    if (failure) this.#failures.inc({ arm, stage: "train", code: failure.code });
    if (evaluationFailure)
      this.#failures.inc({ arm, stage: "evaluate", code: evaluationFailure.code });
    const loss = findLoss(client);
    if (loss) this.#lost.inc({ arm, code: loss.code });
  }

  /** Formats all metrics in Prometheus' text format; `contentType` is its media type. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
