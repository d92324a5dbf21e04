import { printable, type ClientRecord } from "@fedclair/core/internal";
import {
  clientNumber,
  clientTruth,
  displayName,
  formatNumber,
  readMetric,
  truthText,
  type ArmRecord,
  type TrialDescription,
} from "@fedclair/runs";
import { verdictLetters, type RoundColumn, type RoundColumns } from "./rounds.js";

/** Longest text of a record on a page, in bytes. */
const maxTextBytes = 1024;

/** Number of metrics of one client in one round. */
const maxMetrics = 64;

/** Number of kinds of evidence in a run; CLAIR has eight. Each is a column in every round. */
const maxKinds = 64;

type Evidence = NonNullable<ClientRecord["evidence"]>[number];

/** Turns records into columns. Names, truths and texts are collected on the way. */
export class RoundEncoder {
  readonly #description: TrialDescription;
  readonly #kinds = new Map<string, number>();
  readonly #texts = new Map<string, number>();
  readonly names: Record<number, string> = {};
  readonly truths: Record<number, string> = {};

  constructor(description: TrialDescription) {
    this.#description = description;
  }

  get kinds(): string[] {
    return [...this.#kinds.keys()].map((kind) => printable(kind, 200));
  }

  get texts(): string[] {
    return [...this.#texts.keys()].map((text) => printable(text, maxTextBytes));
  }

  /** Encodes what the map shows: verdicts, scores and thresholds. */
  encodeScores(round: number, clients: ArmRecord["clients"]): RoundColumns {
    const indices = clients.map(({ clientId }) => clientNumber(clientId));
    for (const [k, client] of clients.entries()) {
      const index = indices[k] ?? NaN;
      if (clientTruth(client) !== "benign")
        this.truths[index] ??= printable(truthText(client), maxTextBytes);
    }
    return {
      round,
      ids: indices.join(" "),
      verdicts: clients.map(letterOf).join(""),
      scores: toColumn(clients.map(({ score }) => score)),
      thresholds: toColumn(clients.map(({ threshold }) => threshold)),
    };
  }

  /** Encodes everything that pages show of many clients. */
  encode({ round, clients }: Pick<ArmRecord, "round" | "clients">): RoundColumns {
    const scores = this.encodeScores(round, clients);
    const modules: Record<number, (readonly [number, number])[]> = {};
    for (const { clientId, evidence = [], modules: own = [] } of clients) {
      const index = clientNumber(clientId);
      this.names[index] ??= displayName(clientId, this.#description);
      for (const piece of evidence.slice(0, maxKinds))
        if (this.#kinds.size < maxKinds) indexOf(this.#kinds, nameOf(piece));
      if (own.length === 0) continue;
      modules[index] = own.map(({ module, ratio }) => [indexOf(this.#texts, module), ratio]);
    }
    const { primary } = this.#description;
    return {
      ...scores,
      metric: toColumn(
        clients.map(({ evaluation }) =>
          primary === undefined ? undefined : readMetric(evaluation, primary),
        ),
      ),
      reasons: toColumn(
        clients.map((client) => {
          const text = reasonOf(client);
          return text === undefined ? undefined : indexOf(this.#texts, text);
        }),
      ),
      evidence: [...this.#kinds.keys()].map((kind) => {
        const pieces = clients.map(({ evidence }) => evidence?.find((one) => nameOf(one) === kind));
        return [
          toColumn(pieces.map((piece) => piece?.statistic)),
          toColumn(pieces.map((piece) => piece?.deviations)),
          toColumn(pieces.map((piece) => piece?.rounds)),
        ] as const;
      }),
      ...(Object.keys(modules).length > 0 && { modules }),
    };
  }

  /** Encodes everything about one client. */
  encodeClient(round: number, client: ClientRecord): RoundColumns {
    return { ...this.encode({ round, clients: [client] }), facts: listFacts(client) };
  }
}

function letterOf({ verdict, failure }: ClientRecord): string {
  return verdictLetters[failure ? "failed" : (verdict ?? "not judged")];
}

function reasonOf({ reason, failure }: ClientRecord): string | undefined {
  return failure ? `${failure.code}: ${failure.message}` : reason;
}

/** Lists what a client measured and did, beyond what the columns have. */
function listFacts(client: ClientRecord): (readonly [string, string])[] {
  const { train, evaluation, evaluationFailure, numExamples, seconds, refinement, pooled } = client;
  const metrics = (values: Readonly<Record<string, number>> | null | undefined, where: string) =>
    Object.entries(values ?? {})
      .slice(0, maxMetrics)
      .map(([name, value]) => [`${printable(name, 100)} (${where})`, formatNumber(value)] as const);
  const fault = evaluationFailure && `${evaluationFailure.code}: ${evaluationFailure.message}`;
  const others = {
    "not measured": fault && printable(fault, maxTextBytes),
    examples: numExamples === undefined ? undefined : formatNumber(numExamples),
    "simulated seconds": seconds === undefined ? undefined : formatNumber(seconds),
    "goes on with": refinement,
    "part of what is shared": pooled === false ? "no" : undefined,
  };
  return [
    ...metrics(train, "training"),
    ...metrics(evaluation, "own data"),
    ...Object.entries(others).flatMap(([name, value]) =>
      value == null ? [] : [[name, value] as const],
    ),
  ];
}

/** Names a piece of evidence; one that covers several rounds stands beside that of the round. */
function nameOf({ kind, rounds }: Evidence): string {
  return rounds === undefined ? kind : `${kind} over rounds`;
}

/** The position of a text in a map of texts, to which it is added if it is new. */
function indexOf(texts: Map<string, number>, text: string): number {
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, texts.size);
  return texts.size - 1;
}

function toColumn(values: readonly (number | null | undefined)[]): RoundColumn {
  const texts = values.map((value) => (value == null ? "–" : formatNumber(value)));
  return texts.every((text) => text === texts[0]) ? (texts[0] ?? "–") : texts.join(" ");
}
