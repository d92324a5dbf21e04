import { printable, type ClientRecord } from "@fedclair/core/internal";
import { recordsAfter, truthText } from "@fedclair/runs";
import type { ClientRound } from "./protocol.js";

/** Longest text of a record on the page, in bytes. */
const maxTextBytes = 1024;

/** Number of metrics of one client in one round. */
const maxMetrics = 64;

/** Reads the rounds of one client from the records of a run, in all arms, one by one. */
export async function* clientRounds(folder: string, clientId: string): AsyncGenerator<ClientRound> {
  for await (const { value } of recordsAfter(folder, 0)) {
    const client = value.clients.find((one) => one.clientId === clientId);
    if (client) yield clientRound(value.arm, value.round, client);
  }
}

/** Copies the fields that the page shows. */
function clientRound(arm: string, round: number, client: ClientRecord): ClientRound {
  const { verdict, pooled, score, threshold, reason, evidence, failure, train, evaluation } =
    client;
  const { modules, numExamples, seconds, refinement, evaluationFailure } = client;
  const fault = failure ?? evaluationFailure;
  return {
    arm,
    round,
    truth: printable(truthText(client), maxTextBytes),
    ...(verdict !== undefined && { verdict }),
    ...(pooled !== undefined && { pooled }),
    ...(score !== undefined && { score }),
    ...(threshold !== undefined && { threshold }),
    ...(reason !== undefined && { reason: printable(reason, maxTextBytes) }),
    ...(evidence && {
      evidence: evidence.slice(0, maxMetrics).map(({ kind, ...one }) => {
        return { kind: printable(kind, 100), ...one };
      }),
    }),
    ...(modules && {
      modules: modules.slice(0, maxMetrics).map(({ module, ratio }) => {
        return { module: printable(module, 200), ratio };
      }),
    }),
    ...(fault && { failure: printable(`${fault.code}: ${fault.message}`, maxTextBytes) }),
    ...(train && { train: firstMetrics(train) }),
    ...(evaluation && { evaluation: firstMetrics(evaluation) }),
    ...(numExamples !== undefined && { numExamples }),
    ...(seconds !== undefined && { seconds }),
    ...(refinement !== undefined && { refinement }),
  };
}

function firstMetrics(metrics: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(metrics).slice(0, maxMetrics);
  return Object.fromEntries(entries.map(([name, value]) => [printable(name, 100), value]));
}
