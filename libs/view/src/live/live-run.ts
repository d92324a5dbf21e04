import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { clientIds, errorMessage, printable } from "@fedclair/core/internal";
import {
  checkRecords,
  commandName,
  findHolder,
  findRun,
  noDescription,
  readActivity,
  recordsAfter,
  recordsEnd,
  timingsAfter,
  type Activity,
  type StoredDescription,
  type StoredRun,
  type TrialDescription,
} from "@fedclair/runs";
import type { Names, RunState } from "../data/protocol.js";
import { hasReport } from "../data/report-file.js";
import { RunSummary, waitingState } from "../data/run-state.js";

/** Describes the trial of a run folder with the plug-ins that are loaded. */
export type Describe = (folder: string) => Promise<StoredDescription>;

/** Time between two looks at a run folder, in ms. */
const lookEvery = 400;

/** Age from which the last sign of life of a running coordinator is old, in ms. */
const maxSilence = 60_000;

/** Number of clients whose names are sent. */
const maxNames = 10_000;

/** Time after which a run is shown without names and units until they are known, in ms. */
const patience = 500;

/** What describes the run of an identity, once it is known. */
interface Described {
  readonly of: string;
  description?: TrialDescription;
  /** Why names and units are missing. */
  notice?: string;
}

/** A problem is shown in one line. */
const maxNoticeBytes = 500;

/** The files whose change means that the state of the run has changed. */
const watchedFiles = [
  "run.json",
  "trial.yaml",
  "summary.json",
  "failure.json",
  "report.html",
  "timings.jsonl",
  "activity.json",
];

/**
 * A run folder that is watched while somebody reads it. It holds no rounds: each reader gets them
 * from the files.
 */
export class LiveRun {
  readonly folder: string;
  readonly #path: string;
  readonly #describe: Describe;
  readonly #now: () => number;
  #seen = "";
  #places = { records: 0, timings: 0 };
  #described: Described | undefined;
  #notices = new Set<string>();
  #waiters = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #looks: Promise<void> = Promise.resolve();
  #readers = 0;
  #checked = "";
  /** Distinguishes this run from a later one in the same folder; undefined before it has begun. */
  identity: string | undefined;
  /** Both are present once the run has begun and its trial was described. */
  description: TrialDescription | undefined;
  summary: RunSummary | undefined;
  state: RunState;
  names: Names = {};
  activity: Activity | undefined;
  /** Increases with every change. */
  version = 0;

  constructor(folder: string, path: string, describe: Describe, now: () => number = Date.now) {
    this.folder = folder;
    this.#path = path;
    this.#describe = describe;
    this.#now = now;
    this.state = waitingState(path, basename(folder));
  }

  /** Watches the folder until the returned function is called, once. */
  watch(): () => void {
    if (this.#readers++ === 0) void this.#keepLooking();
    return () => {
      if (--this.#readers === 0) clearTimeout(this.#timer);
    };
  }

  get isWatched(): boolean {
    return this.#readers > 0;
  }

  /** Resolves when the version is no longer `known`, or after `timeout` ms, or on an abort. */
  async changed(known: number, timeout: number, signal: AbortSignal): Promise<void> {
    if (this.version !== known || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      // A timer cannot be endless.
      const timer = setTimeout(done, Math.min(timeout, 2 ** 31 - 1)).unref();
      this.#waiters.add(done);
      signal.addEventListener("abort", done);
    });
  }

  /**
   * Looks at the folder once, and reads what is new. Never rejects. Waits for earlier looks, so
   * that everything that was in the folder at the call has been read at the end.
   */
  async look(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#look());
    await this.#looks;
  }

  async #look(): Promise<void> {
    try {
      const seen = await this.#signature();
      if (seen === this.#seen) return;
      this.#seen = seen;
      await this.#read();
    } catch (error) {
      this.#note(errorMessage(error));
      if (!this.summary) this.state = waitingState(this.#path, this.state.name, "broken");
      this.state = { ...this.state, notices: [...this.#notices] };
    }
    this.#tellWaiters();
  }

  #tellWaiters(): void {
    this.version++;
    for (const wake of [...this.#waiters]) wake();
  }

  async #keepLooking(): Promise<void> {
    await this.look();
    if (!this.isWatched) return;
    this.#timer = setTimeout(() => void this.#keepLooking(), lookEvery);
    this.#timer.unref();
  }

  /** A text that differs if anything in the folder has changed that the page shows. */
  async #signature(): Promise<string> {
    const files = await Promise.all(
      watchedFiles.map(async (file) => {
        const entry = await stat(join(this.folder, file)).catch(() => undefined);
        return entry ? `${entry.size} ${entry.mtimeMs}` : "";
      }),
    );
    const holder = findHolder(this.folder);
    const end = await recordsEnd(this.folder);
    return [...files, holder?.id, end, holder && this.#isSilent()].join("\n");
  }

  /** Has a running coordinator shown no sign of life for a while? */
  #isSilent(): boolean {
    const written = Date.parse(this.activity?.written ?? "");
    return this.#now() - written > maxSilence;
  }

  async #read(): Promise<void> {
    const { folder } = this;
    const stored = await findRun(folder);
    this.activity = readActivity(folder) ?? this.activity;
    if (!stored) {
      this.state = waitingState(this.#path, basename(folder));
      return;
    }
    const own = `${stored.info.hash.slice(0, 16)}-${Date.parse(stored.info.started)}`;
    if (this.#described?.of !== own) await this.#describeFirst(own);
    // A run that is described later begins again, with names and units.
    const identity = this.#described?.description ? own : `${own}-plain`;
    const isCut = (await recordsEnd(folder)) < this.#places.records;
    if (identity !== this.identity || isCut || !this.summary) this.#begin(stored, identity);
    await this.#readNew().catch((error: unknown) => {
      this.#note(errorMessage(error));
    });
    this.#update(stored);
    if (stored.status !== "running") void this.#check(stored);
  }

  #begin({ trial }: StoredRun, identity: string): void {
    const { description, notice } = this.#described ?? {};
    this.#notices = new Set(notice === undefined ? [] : [notice]);
    this.#places = { records: 0, timings: 0 };
    this.description = description;
    this.summary = new RunSummary(trial, description);
    this.names = listNames(trial.clients, description ?? noDescription);
    this.identity = identity;
  }

  /** Describes the trial, and goes on without if that takes long, as with a large corpus. */
  async #describeFirst(own: string): Promise<void> {
    const described: Described = { of: own };
    this.#described = described;
    const ready = this.#description().then((found) => {
      Object.assign(described, found);
    });
    const isReady = await Promise.race([ready.then(() => true), delay(patience, false)]);
    if (isReady) return;
    void ready.then(async () => {
      if (this.#described !== described) return;
      this.#seen = "";
      await this.look();
    });
  }

  /** Without its plug-ins, a run is shown with plain ids and without units. */
  async #description(): Promise<Omit<Described, "of">> {
    try {
      const stored = await this.#describe(this.folder);
      if ("description" in stored) return { description: stored.description };
      const list = new Intl.ListFormat("en-GB").format(stored.missing);
      const notice = `Shown without ${list}: pass the modules with --plugin to see names and units.`;
      return { description: noDescription, notice: printable(notice, maxNoticeBytes) };
    } catch (error) {
      const notice = printable(errorMessage(error), maxNoticeBytes);
      return { description: noDescription, notice };
    }
  }

  async #readNew(): Promise<void> {
    const { folder, summary } = this;
    for await (const { value, end } of recordsAfter(folder, this.#places.records)) {
      summary?.add(value);
      this.#places.records = end;
    }
    for await (const { value, end } of timingsAfter(folder, this.#places.timings)) {
      summary?.addTiming(value);
      this.#places.timings = end;
    }
  }

  #update(stored: StoredRun): void {
    const { status, failure, holder } = stored;
    const isSilent = holder !== undefined && this.#isSilent();
    const silence = isSilent
      ? [`No sign of life from the coordinator since ${this.activity?.written ?? ""}.`]
      : [];
    const gone = `The coordinator is gone without finishing. ${commandName()} resume ${this.folder} goes on after the last checkpoint.`;
    const why =
      (failure && shorten(failure.message)) ?? (status === "interrupted" ? gone : undefined);
    const notices = [...this.#notices, ...silence];
    const state = { ...stored, hasReport: hasReport(this.folder) };
    this.state = this.summary?.state(this.#path, state, why, notices) ?? this.state;
  }

  /** Checks once that the records of a run are those that it wrote. */
  async #check(stored: StoredRun): Promise<void> {
    const { identity } = this;
    const state = `${identity ?? ""} ${stored.status}`;
    if (this.#checked === state) return;
    this.#checked = state;
    try {
      await checkRecords(this.folder, { link: stored.summary?.chain });
    } catch (error) {
      if (identity !== this.identity) return;
      this.#note(errorMessage(error));
      this.#update(stored);
      this.#tellWaiters();
    }
  }

  #note(text: string): void {
    this.#notices.add(printable(text, maxNoticeBytes));
  }
}

/** Cuts the reason why a run failed to one line of a limited length. */
function shorten(message: string): string {
  const line = message.replaceAll("\n", " ");
  const cut = printable(line, maxNoticeBytes);
  return cut === line ? line : `${cut} (failure.json has the whole reason)`;
}

function listNames(clients: number, { label }: TrialDescription): Names {
  const names: Record<number, string> = {};
  for (const [index, id] of clientIds(clients).slice(0, maxNames).entries()) {
    const name = printable(label(id), 100);
    if (name !== "" && name !== id) names[index] = name;
  }
  return names;
}
