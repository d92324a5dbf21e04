import {
  appendFile,
  mkdir,
  open,
  readFile,
  rm,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  encodeSafetensors,
  type Exhibit,
  type Params,
  type RoundRecord,
  type RoundTiming,
  type Trial,
  type TrialState,
} from "@fedclair/core";
import { stringify } from "yaml";
import type { ArmRound } from "./run-trial.js";
import type { Summary } from "./summary.js";

/** A line of `records.jsonl`: the same bytes for the same trial, whatever the transport and the number of hosts. */
export type ArmRecord = { readonly arm: string } & RoundRecord;

/** A line of `timings.jsonl`: what depends on the machine. */
export interface ArmTiming {
  readonly arm: string;
  readonly round: number;
  readonly seconds: RoundTiming;
  /** Peak resident memory of the coordinator so far, in bytes. */
  readonly coordinatorRss: number;
  /** Present if the clients were reached by sockets. */
  readonly wire?: WireTraffic;
}

/** Bytes over the coordinator's sockets since the start of the trial. */
export interface WireTraffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

const staleOnStart = [
  "exhibits.jsonl",
  "summary.json",
  "params.safetensors",
  "report.html",
  "figures",
];

/**
 * The folder of one run. A round is on disk before the next one begins.
 * `trial.yaml` resolved · `records.jsonl` · `timings.jsonl` · `exhibits.jsonl`, if the task shows any ·
 * `params.safetensors` · `summary.json` · `report.html`
 */
export class RunFolder {
  readonly path: string;
  readonly #records: FileHandle;
  readonly #timings: FileHandle;

  private constructor(path: string, records: FileHandle, timings: FileHandle) {
    this.path = path;
    this.#records = records;
    this.#timings = timings;
  }

  /** Makes the folder, or empties the run in it. */
  static async create(path: string, trial: Trial): Promise<RunFolder> {
    await mkdir(path, { recursive: true });
    for (const stale of staleOnStart) await rm(join(path, stale), { recursive: true, force: true });
    await writeFile(join(path, "trial.yaml"), stringify(trial));
    const records = await open(join(path, "records.jsonl"), "w");
    const timings = await open(join(path, "timings.jsonl"), "w");
    return new RunFolder(path, records, timings);
  }

  async append({ arm, round }: ArmRound, wire?: WireTraffic): Promise<void> {
    const record: ArmRecord = { arm: arm.label, ...round.record };
    const timing: ArmTiming = {
      arm: arm.label,
      round: round.record.round,
      seconds: round.timing,
      coordinatorRss: process.resourceUsage().maxRSS * 1024,
      ...(wire && { wire: { bytesSent: wire.bytesSent, bytesReceived: wire.bytesReceived } }),
    };
    await this.#records.appendFile(JSON.stringify(record) + "\n");
    await this.#timings.appendFile(JSON.stringify(timing) + "\n");
    for (const [name, value] of Object.entries(round.exhibits)) {
      const exhibit: Exhibit = { arm: arm.label, round: round.record.round, name, value };
      await appendFile(join(this.path, "exhibits.jsonl"), JSON.stringify(exhibit) + "\n");
    }
  }

  async writeSummary(summary: Summary): Promise<void> {
    await writeFile(join(this.path, "summary.json"), JSON.stringify(summary, null, 2) + "\n");
  }

  /** The method under study's params: `global/<module>` and, for clients with their own, `<client id>/<module>`. */
  async writeParams(state: TrialState): Promise<void> {
    const owners: [string, Params][] = [["global", state.global], ...state.personal];
    const params = new Map(
      owners.flatMap(([owner, tensors]) =>
        [...tensors].map(([name, tensor]) => [`${owner}/${name}`, tensor] as const),
      ),
    );
    await writeFile(join(this.path, "params.safetensors"), encodeSafetensors(params));
  }

  async close(): Promise<void> {
    await this.#records.close();
    await this.#timings.close();
  }
}

/** Reads a JSON-lines file of a run; nothing where the run left none. */
export async function readLines<T>(
  folder: string,
  file: "records.jsonl" | "timings.jsonl" | "exhibits.jsonl",
): Promise<T[]> {
  const path = join(folder, file);
  const text = file === "exhibits.jsonl" && !existsSync(path) ? "" : await readFile(path, "utf8");
  // A run that was killed in mid-write leaves half a line at the end.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
