import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import {
  roundDetection,
  eachLine,
  interruption,
  isFlagged,
  findLoss,
  mean,
  type ArmRecord,
  type ArmTiming,
} from "@fedclair/runs";
import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";

/** A round of an arm, as a run left it. */
export interface ExportedRound {
  readonly record: ArmRecord;
  readonly timing: ArmTiming;
  /** Seconds that the run had computed when the round was done, all arms together. */
  readonly elapsed: number;
}

/**
 * The rounds of a run in their order, one after another: a run may outgrow the memory.
 * @param most so many rounds at most: a run that is under way grows between two readings
 * @throws UserError if the two files are not of one run; the reason of an interruption
 */
export async function* eachRound(folder: string, most = Infinity): AsyncGenerator<ExportedRound> {
  const timings = eachLine<ArmTiming>(folder, "timings.jsonl");
  let [rounds, elapsed] = [0, 0];
  try {
    for await (const record of eachLine<ArmRecord>(folder, "records.jsonl")) {
      if (rounds++ === most) return;
      interruption.signal.throwIfAborted();
      const { value: timing } = (await timings.next()) as { value?: ArmTiming };
      if (timing?.arm !== record.arm || timing.round !== record.round) {
        const where = `${oneLine(record.arm)} round ${record.round}`;
        throw new UserError(
          `'${folder}': timings.jsonl has no line for ${where}, line ${rounds} of records.jsonl: run the trial anew`,
        );
      }
      const { train, aggregate, evaluate } = timing.seconds;
      elapsed += train + aggregate + evaluate;
      yield { record, timing, elapsed };
    }
  } finally {
    await timings.return(undefined);
  }
}

/**
 * What a round comes to in numbers, by name: `clients/`, `detection/`, `bytes/`, `seconds/`, means over the clients that are not
 * contaminated of what they report (`train/`, `evaluation/`), and what the coordinator measures (`global/`).
 */
export function scalarsOf({ record, timing }: ExportedRound): Map<string, number> {
  const { clients, bytes } = record;
  const { seconds, writeSeconds, wire } = timing;
  const detection = roundDetection(clients);
  const count = (is: (client: ClientRecord) => unknown) => clients.filter(is).length;
  const scalars = new Map<string, number>([
    ["clients/sampled", clients.length],
    ["clients/failed", count(({ failure }) => failure)],
    ["clients/lost", count(findLoss)],
    ["clients/flagged", count(isFlagged)],
    ["bytes/down", bytes.down],
    ["bytes/up", bytes.up],
    ...known("seconds/sample", seconds.sample),
    ["seconds/train", seconds.train],
    ["seconds/aggregate", seconds.aggregate],
    ["seconds/evaluate", seconds.evaluate],
    ...known("seconds/write", writeSeconds),
    ["memory/coordinator", timing.coordinatorRss],
    ...known("wire/sent", wire?.bytesSent),
    ...known("wire/received", wire?.bytesReceived),
    ...known("wire/encodeSeconds", wire?.encodeSeconds),
    ...known("wire/decodeSeconds", wire?.decodeSeconds),
    ...known("wire/workSeconds", wire?.workSeconds),
  ]);
  if (detection) {
    const { contaminated, hits, falseAlarms } = detection;
    if (contaminated > 0) scalars.set("detection/recall", hits / contaminated);
    scalars.set("detection/falseAlarms", falseAlarms);
  }
  const measuring = clients.filter(({ attack }) => attack === null);
  for (const what of ["train", "evaluation"] as const) {
    const values = new Map<string, number[]>();
    for (const client of measuring) {
      for (const [name, value] of numbersIn(client[what])) {
        const before = values.get(name);
        if (before) before.push(value);
        else values.set(name, [value]);
      }
    }
    for (const [name, own] of values) scalars.set(`${what}/${name}`, mean(own));
  }
  for (const [name, value] of numbersIn(record.metrics)) scalars.set(`global/${name}`, value);
  return scalars;
}

/** Nothing of a number that a run did not count: in memory, or by an earlier version. */
function known(name: string, value: number | undefined): [string, number][] {
  return value === undefined ? [] : [[name, value]];
}

/** JSON has null in place of what was not finite. */
export function numbersIn(metrics: Metrics = {}): [string, number][] {
  return Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
}
