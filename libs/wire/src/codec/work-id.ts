import type { Work } from "@fedclair/core";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "../wire-error.js";
import { nameOf, required, uint32 } from "./checks.js";

/** Names the piece of work that a message belongs to. */
export interface WorkId extends Pick<Work, "round" | "phase" | "kind"> {
  /** Numbers the calls of `run`: the arms of a trial ask for the same round one after another. */
  readonly serial: number;
}

type WireWorkId = fedclair.v1.WorkId.$Properties;
const { WorkKind } = fedclair.v1;

export function workIdToWire({ serial, round, phase, kind }: WorkId): WireWorkId {
  const wireKind = kind === "train" ? WorkKind.TRAIN : WorkKind.EVALUATE;
  return { serial: uint32("serial", serial), round: uint32("round", round), phase, kind: wireKind };
}

/** @throws WireError */
export function workIdFromWire(wire: WireWorkId | null | undefined): WorkId {
  const { serial, round, phase, kind } = required("work", wire);
  if (kind !== WorkKind.TRAIN && kind !== WorkKind.EVALUATE) {
    const message = `work kind ${kind ?? 0}: expected TRAIN (1) or EVALUATE (2)`;
    throw new WireError("MALFORMED", message);
  }
  return {
    serial: serial ?? 0,
    round: round ?? 0,
    phase: nameOf("phase", phase),
    kind: kind === WorkKind.TRAIN ? "train" : "evaluate",
  };
}

export function sameWork(a: WorkId, b: WorkId): boolean {
  return a.serial === b.serial && a.round === b.round && a.phase === b.phase && a.kind === b.kind;
}

/** For messages to people. */
export function workText({ round, phase, kind }: WorkId): string {
  return `round ${round}, phase ${phase}, ${kind}`;
}
