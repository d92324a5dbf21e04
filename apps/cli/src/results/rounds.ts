import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import {
  roundDetection,
  eachLine,
  eachRecord,
  interruption,
  isFlagged,
  findLoss,
  type ArmRecord,
  type ArmTiming,
} from "@fedclair/runs";
import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";

/** A round of an arm, as stored in a run folder. */
export interface ExportedRound {
  readonly record: ArmRecord;
  readonly timing: ArmTiming;
  /** Seconds of computation up to the end of the round, over all arms. */
  readonly elapsed: number;
}

/**
 * Yields the rounds of a run in order, one at a time because a run may be larger than memory.
 * @param most maximum number of rounds, because an unfinished run may grow between two passes
 * @throws UserError if the two files do not belong to one run; the reason of an interruption
 */
export async function* eachRound(folder: string, most = Infinity): AsyncGenerator<ExportedRound> {
  const timings = eachLine<ArmTiming>(folder, "timings.jsonl");
  let [rounds, elapsed] = [0, 0];
  try {
    for await (const record of eachRecord(folder)) {
      if (rounds++ === most) return;
      interruption.signal.throwIfAborted();
      const { value: timing } = (await timings.next()) as { value?: ArmTiming };
      if (timing?.arm !== record.arm || timing.round !== record.round) {
        const where = `${oneLine(record.arm)} round ${record.round}`;
        throw new UserError(
          `'${folder}': timings.jsonl has no line for ${where}, line ${rounds} of records.jsonl: run the trial again`,
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
 * Computes the numbers of a round, with these prefixes: `clients/`, `detection/`, `bytes/`,
 * `seconds/`, `memory/`, `wire/`; `train/` and `evaluation/` for means over the clients that are
 * not contaminated; and `global/` for the coordinator's metrics.
 */
export function computeScalars({ record, timing }: ExportedRound): Map<string, number> {
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
    ["seconds/sample", seconds.sample],
    ["seconds/train", seconds.train],
    ["seconds/aggregate", seconds.aggregate],
    ["seconds/evaluate", seconds.evaluate],
    ["seconds/write", writeSeconds],
    ["memory/coordinator", timing.coordinatorRss],
    ...listTraffic(wire),
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
      for (const [name, value] of listFinite(client[what])) {
        const before = values.get(name);
        if (before) before.push(value);
        else values.set(name, [value]);
      }
    }
    for (const [name, own] of values) scalars.set(`${what}/${name}`, mean(own));
  }
  for (const [name, value] of listFinite(record.metrics)) scalars.set(`global/${name}`, value);
  return scalars;
}

const memory = ["hostMemory", "deviceMemory"] as const;

/** Lists the numbers of the traffic; there are none if the clients were in memory. */
function listTraffic(wire: ArmTiming["wire"]): [string, number][] {
  if (!wire) return [];
  return [
    ["wire/sent", wire.bytesSent],
    ["wire/received", wire.bytesReceived],
    ["wire/encodeSeconds", wire.encodeSeconds],
    ["wire/decodeSeconds", wire.decodeSeconds],
    ["wire/workSeconds", wire.workSeconds],
    ...memory.flatMap((key): [string, number][] => {
      const bytes = wire[key];
      return bytes === undefined ? [] : [[`wire/${key}`, bytes]];
    }),
  ];
}

/** Lists the finite metrics. JSON has null in place of the others. */
export function listFinite(metrics: Metrics = {}): [string, number][] {
  return Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
}
