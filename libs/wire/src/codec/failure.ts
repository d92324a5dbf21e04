import { errorCodes, failure, type ErrorCode, type Failure } from "@fedclair/core/internal";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "./wire-error.js";
import { requireField } from "./checks.js";

type WireFailure = fedclair.v1.Failure.$Properties;

const codeNames = new Map<number, ErrorCode>(
  (Object.keys(errorCodes) as ErrorCode[]).map((name) => [errorCodes[name], name]),
);

export function failureToWire({ code, message }: Failure): WireFailure {
  return { code: fedclair.v1.ErrorCode[code], message };
}

/**
 * Reads a failure; its message becomes printable and is truncated.
 * @throws WireError on a missing failure or an unknown code
 */
export function failureFromWire(wire: WireFailure | null | undefined): Failure {
  const { code, message } = requireField("failure", wire);
  const name = codeNames.get(code ?? 0);
  if (!name) throw new WireError("MALFORMED", `error code ${String(code)} is unknown`);
  return failure(name, message ?? "");
}
