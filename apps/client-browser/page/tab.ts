import { signal } from "@preact/signals";
import type { ErrorCode, Trial } from "@fedclair/core/internal";
import type { ChosenFile, ReadData } from "@fedclair/plugins/browser";
import type { MeasuredRound } from "@fedclair/view/browser";
import { oneLine } from "@fedclair/core/text";
import { holdLock } from "./hold-lock.js";
import { addToCurves } from "./own-curves.js";
import type { End, Order, Outcome, Report, TrialFacts, Work } from "./messages.js";

/** What this tab is doing. */
export type Stage =
  | { readonly name: "form" }
  /** It has sent its request to join, or loads the task and its data. */
  | { readonly name: "joining" }
  | { readonly name: "joined" }
  /** The connection is broken; the worker tries again. */
  | { readonly name: "lost"; readonly why: string }
  | ({ readonly name: "ended" } & End);

/** What the clients of this tab did in one round. */
interface RoundWork {
  readonly round: number;
  readonly clients: ReadonlySet<string>;
  readonly trained: number;
  readonly measured: number;
  /** Seconds of work. */
  readonly seconds: number;
  /** The values of the metric that clients measured. */
  readonly values: readonly number[];
}

/** What the page keeps and shows: the last rounds, and the last problems. */
const keptRounds = 12;
const keptProblems = 5;

/**
 * A worker that has not reported for this long, in ms, does not return: reports come every second.
 */
const longestSilence = 60_000;
/** How often that is checked, in ms. */
const checkEvery = 20_000;
/** Time that a worker has to say goodbye to the coordinator, in ms. */
const farewell = 2000;

/** The most clients that a tab trains if nobody says otherwise. */
const mostTakenOver = 50;

/** The state of this tab and its worker. */
export class Tab {
  readonly stage = signal<Stage>({ name: "form" });
  readonly trial = signal<TrialFacts | undefined>(undefined);
  readonly work = signal<Work | undefined>(undefined);
  readonly rounds = signal<readonly RoundWork[]>([]);
  readonly problems = signal<readonly string[]>([]);
  readonly traffic = signal({ bytesSent: 0, bytesReceived: 0 });
  /** Totals over all rounds. */
  readonly totals = signal({ jobs: 0, updates: 0, seconds: 0 });
  /** The user's files to train on, if some are chosen. */
  readonly files = signal<readonly ChosenFile[]>([]);
  /** Why files could not be chosen. */
  readonly fileProblem = signal("");
  /** The first rows of a chosen table, below the names of its columns. */
  readonly preview = signal<readonly (readonly string[])[]>([]);
  /** The metric that the clients of this tab measure, and its mean by round under each method. */
  readonly metric = signal("");
  readonly curves = signal<readonly (readonly MeasuredRound[])[]>([]);
  /** Facts about the files, once they have been read for the trial. */
  readonly own = signal<ReadData | undefined>(undefined);
  /** The trial, as far as the coordinator tells it before this tab joins: not if it has a token. */
  readonly invitation = signal<Trial | undefined>(undefined);
  /** What the form contains besides. Without a number, the tab trains `usualCapacity` clients. */
  readonly entries: { token: string; capacity?: number | undefined };
  #worker: Worker | undefined;
  /** The worker that reads the files before this tab joins. */
  #checker: Worker | undefined;
  #releaseLock: () => void = () => undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #hasReported = false;
  #isBusy = false;

  constructor(entries: { readonly token: string; readonly capacity: number | undefined }) {
    this.entries = { ...entries };
    void this.#readInvitation();
  }

  /** Does not fail: whoever cannot be asked cannot be joined, and then the page says so. */
  async #readInvitation(): Promise<void> {
    const answer = await fetch("trial.json").catch(() => undefined);
    if (answer?.ok) this.invitation.value = ((await answer.json()) as Trial | null) ?? undefined;
  }

  /**
   * How many clients the tab trains if nobody says otherwise: all of the trial, up to a number. It
   * can then take over those of a tab that leaves. The coordinator divides them by these numbers.
   */
  get usualCapacity(): number {
    return Math.min(this.invitation.value?.clients ?? 4, mostTakenOver);
  }

  /** Starts a worker, which joins the coordinator. */
  join(): void {
    this.stage.value = { name: "joining" };
    this.#checker?.terminate();
    this.#checker = undefined;
    this.trial.value = undefined;
    this.own.value = undefined;
    this.metric.value = "";
    this.curves.value = [];
    this.rounds.value = [];
    this.problems.value = [];
    this.totals.value = { jobs: 0, updates: 0, seconds: 0 };
    this.traffic.value = { bytesSent: 0, bytesReceived: 0 };
    const worker = startWorker("host");
    this.#worker = worker;
    this.#releaseLock = holdLock();
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      this.#hasReported = true;
      this.#handle(data);
    };
    worker.onerror = ({ message }) => {
      this.#end("failed", message || "the worker of this tab could not be started");
    };
    const files = this.files.value;
    const { token, capacity = this.usualCapacity } = this.entries;
    // The files are one client's.
    this.#order({ kind: "join", token, capacity: files.length > 0 ? 1 : capacity, files });
    this.#watchWorker();
  }

  /** Chooses files. They are ignored while the tab is in a trial. */
  async choose(listing: readonly ChosenFile[] | Promise<readonly ChosenFile[]>): Promise<void> {
    try {
      const files = await listing;
      const { name } = this.stage.value;
      if (name !== "form" && name !== "ended") return;
      this.files.value = files;
      this.#check();
      if (files.length === 0) this.fileProblem.value = "the folder is empty";
    } catch (error) {
      this.fileProblem.value = error instanceof Error ? error.message : String(error);
    }
  }

  /** Forgets the chosen files. */
  removeFiles(): void {
    this.files.value = [];
    this.#check();
  }

  /** Reads the chosen files, before this tab joins, so that their faults are seen in time. */
  #check(): void {
    this.#checker?.terminate();
    this.#checker = undefined;
    this.preview.value = [];
    this.own.value = undefined;
    this.fileProblem.value = "";
    const files = this.files.value;
    if (files.length === 0) return;
    const worker = startWorker("check");
    this.#checker = worker;
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (this.#checker !== worker) return;
      if (data.kind === "preview") this.preview.value = data.rows;
      else if (data.kind === "read") this.#setOwn(data.data);
      else if (data.kind === "ended") this.fileProblem.value = data.reason;
    };
    const order: Order = { kind: "check", trial: this.invitation.value, files };
    worker.postMessage(order);
  }

  /** Leaves the trial. The coordinator gives this tab's clients to other hosts. */
  leave(): void {
    this.#order({ kind: "leave" });
    const worker = this.#worker;
    setTimeout(() => {
      if (this.#worker === worker) this.#end("left", "stopped");
    }, farewell);
  }

  /** Ends the worker and with it the connection, because the page is being closed. */
  close(): void {
    if (this.#worker) this.#end("left", "closed");
  }

  #order(order: Order): void {
    this.#worker?.postMessage(order);
  }

  #handle(report: Report): void {
    switch (report.kind) {
      case "trial":
        this.trial.value = report.facts;
        return;
      case "read":
        this.#setOwn(report.data);
        return;
      case "joined":
        this.stage.value = { name: "joined" };
        return;
      case "lost":
        this.work.value = undefined;
        this.stage.value = { name: "lost", why: report.why };
        return;
      case "started":
        this.#isBusy = true;
        this.work.value = report.work;
        return;
      case "done":
        this.#isBusy = false; // the text stays until the next beat, because jobs may be short
        this.#count(report);
        this.#addProblems(report.failures);
        return;
      case "beat":
        this.traffic.value = report;
        if (!this.#isBusy) this.work.value = undefined;
        return;
      case "warning":
        this.#addProblems([report.text]);
        return;
      case "ended":
        this.#end(report.outcome, report.reason, report.code);
    }
  }

  /** Makes the names of files, folders and columns printable. */
  #setOwn(data: ReadData): void {
    const readable = (_: string, value: unknown) =>
      typeof value === "string" ? oneLine(value) : value;
    this.own.value = JSON.parse(JSON.stringify(data), readable) as ReadData;
  }

  #count({ work, seconds, measured }: Extract<Report, { readonly kind: "done" }>): void {
    const { round, kind, clients } = work;
    const { totals, rounds } = this;
    const [last, ...earlier] = rounds.value;
    const current = last?.round === round ? last : undefined;
    const before = current ?? { clients: [], trained: 0, measured: 0, seconds: 0, values: [] };
    const isTraining = kind === "train";
    const now: RoundWork = {
      round,
      clients: new Set([...before.clients, ...clients]),
      trained: before.trained + (isTraining ? clients.length : 0),
      measured: before.measured + (isTraining ? 0 : clients.length),
      seconds: before.seconds + seconds,
      values: [...before.values, ...measured.map(([, value]) => value)],
    };
    const [[metric = ""] = []] = measured;
    if (metric !== "") {
      this.metric.value = metric;
      this.curves.value = addToCurves(this.curves.value, round, now.values);
    }
    rounds.value = [now, ...(current ? earlier : rounds.value)].slice(0, keptRounds);
    totals.value = {
      jobs: totals.value.jobs + clients.length,
      updates: totals.value.updates + (isTraining ? clients.length : 0),
      seconds: totals.value.seconds + seconds,
    };
  }

  #addProblems(texts: readonly string[]): void {
    if (texts.length === 0) return;
    this.problems.value = [...texts, ...this.problems.value].slice(0, keptProblems);
  }

  /**
   * Ends a worker that does not return. Timers of a page in the background are late, and so are
   * those of a machine that slept, so only checks count between which nothing was reported.
   */
  #watchWorker(): void {
    let silent = 0;
    this.#hasReported = true;
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      silent = this.#hasReported ? 0 : silent + 1;
      this.#hasReported = false;
      if (silent * checkEvery < longestSilence) return;
      const { clients = [] } = this.work.value ?? {};
      const whose = clients.length === 0 ? "" : `, in the work of ${clients.join(", ")}`;
      this.#end("failed", `the worker of this tab did not return for a minute${whose}`);
    }, checkEvery);
  }

  #end(outcome: Outcome, reason: string, code?: ErrorCode): void {
    clearInterval(this.#watch);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#releaseLock();
    this.work.value = undefined;
    this.stage.value = { name: "ended", outcome, reason, code };
  }
}

function startWorker(name: string): Worker {
  return new Worker("/worker.js", { type: "module", name });
}
