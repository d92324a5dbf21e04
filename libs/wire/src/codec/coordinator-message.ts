import type { Delta, Params } from "@fedclair/core";
import {
  bounds,
  printable,
  type CandidateParts,
  type ClientJob,
  type ClientParams,
  type SentContamination,
} from "@fedclair/core/internal";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "./wire-error.js";
import { decodeBounded, checkName, requireField, checkUint32 } from "./checks.js";
import { deltaFromWire, deltaToWire, paramsFromWire, paramsToWire } from "./tensors.js";

/** A message from the coordinator to a client host. */
export type CoordinatorMessage =
  | { readonly type: "base"; readonly id: number; readonly params: Params }
  | ({ readonly type: "derivedBase" } & DerivedBase)
  | { readonly type: "forgetBase"; readonly id: number }
  | ({ readonly type: "clientJob" } & JobOnBase)
  | { readonly type: "jobEnd"; readonly id: number }
  | { readonly type: "trialEnd"; readonly reason: string; readonly exitCode: number };

/** A job whose base was sent before it. */
export interface JobOnBase extends Omit<ClientJob, "params">, Pick<ClientParams, "rounds"> {
  readonly baseId: number;
}

/** A base that is sent as another base plus the terms added to it. */
export interface DerivedBase {
  readonly id: number;
  /** Id of the other base, from 1. */
  readonly from: number;
  readonly terms: readonly Delta[];
}

type WireJob = fedclair.v1.ClientJob.$Properties;

const codec = fedclair.v1.CoordinatorMessage;
const { WorkKind } = fedclair.v1;

/**
 * @throws WireError when a tensor's data does not fill its shape, or an id or a round is not a
 * uint32
 */
export function encodeCoordinatorMessage(message: CoordinatorMessage): Uint8Array {
  return codec.encode(toWire(message)).finish(true);
}

function toWire(message: CoordinatorMessage): fedclair.v1.CoordinatorMessage.$Properties {
  switch (message.type) {
    case "base":
      return { base: { id: checkUint32("id", message.id), params: paramsToWire(message.params) } };
    case "derivedBase": {
      const { id, from, terms } = message;
      return {
        base: {
          id: checkUint32("id", id),
          from: checkUint32("from", from),
          terms: termsToWire(terms),
        },
      };
    }
    case "forgetBase":
      return { forgetBase: { id: message.id } };
    case "clientJob":
      return { clientJob: jobToWire(message) };
    case "jobEnd":
      return { jobEnd: { id: message.id } };
    case "trialEnd":
      return { trialEnd: { reason: message.reason, exitCode: message.exitCode } };
  }
}

const kinds = {
  train: WorkKind.TRAIN,
  evaluate: WorkKind.EVALUATE,
  initial: WorkKind.INITIAL,
  choose: WorkKind.CHOOSE,
} as const;

function jobToWire(job: JobOnBase): WireJob {
  const { candidates, contamination, control, personal } = job;
  return {
    id: checkUint32("id", job.id),
    clientId: job.clientId,
    round: checkUint32("round", job.round),
    phase: job.phase,
    kind: kinds[job.kind],
    baseId: job.baseId,
    clientIndex: checkUint32("client_index", job.clientIndex),
    clientCount: checkUint32("client_count", job.clientCount),
    seed: checkUint32("seed", job.seed),
    commonSeed: checkUint32("common_seed", job.commonSeed),
    rounds: job.rounds.map(termsToWire),
    ...(candidates && {
      candidates: {
        own: termsToWire(candidates.own),
        mean: termsToWire(candidates.mean),
        refined: termsToWire(candidates.refined),
      },
    }),
    ...(contamination && { contamination: contaminationToWire(contamination) }),
    ...(control && { control: paramsToWire(control) }),
    ...(personal && {
      personal: {
        arm: checkUint32("arm", personal.arm),
        ...(personal.own && { own: paramsToWire(personal.own) }),
      },
    }),
  };
}

/** It is never decoded: a host of this code simulates its clients and knows their attacks. */
function contaminationToWire({
  kind,
  options,
  stream,
  common,
}: SentContamination): fedclair.v1.Contamination.$Properties {
  return { kind, optionsJson: JSON.stringify(options), stream, commonStream: common };
}

function candidatesFromWire(candidates: fedclair.v1.Candidates.$Properties): CandidateParts {
  return {
    own: termsFromWire(requireField("own", candidates.own)),
    mean: termsFromWire(requireField("mean", candidates.mean)),
    refined: termsFromWire(requireField("refined", candidates.refined)),
  };
}

function termsToWire(terms: readonly Delta[]): fedclair.v1.Terms.$Properties {
  return { terms: terms.map(deltaToWire) };
}

function termsFromWire({ terms }: fedclair.v1.Terms.$Properties): readonly Delta[] {
  return (terms ?? []).map(deltaFromWire);
}

/** @throws WireError */
export function decodeCoordinatorMessage(bytes: unknown): CoordinatorMessage {
  return decodeBounded("CoordinatorMessage", bytes, (reader) => fromWire(codec.decode(reader)));
}

function fromWire(message: fedclair.v1.CoordinatorMessage): CoordinatorMessage {
  switch (message.body) {
    case "base": {
      const { id, params, from, terms } = requireField("base", message.base);
      if (from) {
        const added = termsFromWire(requireField("terms", terms));
        return { type: "derivedBase", id: id ?? 0, from, terms: added };
      }
      return { type: "base", id: id ?? 0, params: paramsFromWire(requireField("params", params)) };
    }
    case "forgetBase":
      return { type: "forgetBase", id: message.forgetBase?.id ?? 0 };
    case "clientJob":
      return { type: "clientJob", ...jobFromWire(requireField("client_job", message.clientJob)) };
    case "jobEnd":
      return { type: "jobEnd", id: message.jobEnd?.id ?? 0 };
    case "trialEnd":
      return {
        type: "trialEnd",
        reason: printable(message.trialEnd?.reason ?? "", bounds.failureBytes),
        exitCode: message.trialEnd?.exitCode ?? 0,
      };
    default:
      throw new WireError("MALFORMED", "CoordinatorMessage: no body that this version knows");
  }
}

function jobFromWire(job: WireJob): JobOnBase {
  const { kind, candidates, control, personal } = job;
  const [name] = Object.entries(kinds).find(([, number]) => number === kind) ?? [];
  if (name === undefined) {
    const message = `work kind ${kind ?? 0}: expected TRAIN (1), EVALUATE (2), INITIAL (3) or CHOOSE (4)`;
    throw new WireError("MALFORMED", message);
  }
  if ((name === "choose") !== (candidates != null)) {
    throw new WireError("MALFORMED", "candidates: expected in a job of kind CHOOSE and no other");
  }
  if (name !== "train" && control != null)
    throw new WireError("MALFORMED", "control: expected in a job of kind TRAIN only");
  if (name !== "train" && name !== "evaluate" && personal != null)
    throw new WireError("MALFORMED", "personal: expected in a job of kind TRAIN or EVALUATE only");
  return {
    id: job.id ?? 0,
    clientId: checkName("client_id", job.clientId),
    round: job.round ?? 0,
    phase: checkName("phase", job.phase),
    kind: name as keyof typeof kinds,
    baseId: job.baseId ?? 0,
    clientIndex: job.clientIndex ?? 0,
    clientCount: job.clientCount ?? 0,
    seed: job.seed ?? 0,
    commonSeed: job.commonSeed ?? 0,
    rounds: (job.rounds ?? []).map(termsFromWire),
    ...(candidates && { candidates: candidatesFromWire(candidates) }),
    ...(control && { control: paramsFromWire(control) }),
    ...(personal && {
      personal: {
        arm: personal.arm ?? 0,
        ...(personal.own && { own: paramsFromWire(personal.own) }),
      },
    }),
  };
}
