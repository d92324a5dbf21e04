import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bounds, errorCodes, exitCodes, freeRank, maxChange } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { fedclair } from "#gen/fedclair.js";
import { maxTransfers } from "./send/assembler.js";
import { maxTextPacket } from "./send/packet-parser.js";
import { maxWaitingPackets } from "./join/listen.js";
import { maxFields } from "./codec/bounded-reader.js";
import { jobWindow } from "./assign/host-session.js";
import {
  defaultLimits,
  joinTimeout,
  limitsBeforeWelcome,
  maxTogether,
  maxTrialBytes,
  maxBackends,
  maxWordLength,
  replyTimeout,
} from "./codec/protocol.js";

const docs = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");

/**
 * The names and numbers in the table below a heading, whose rows begin with `| number | name |`.
 */
function table(heading: string): Record<string, number> {
  const section = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.matchAll(/^\| *(\d+) *\| *`?(\w+)`? *\|/gm);
  return Object.fromEntries(
    [...rows].map(([, number, name]): [string, number] => [name ?? "", Number(number)]),
  );
}

describe("errors", () => {
  it("are the same in the code and in proto/", () => {
    const { ERROR_CODE_UNSPECIFIED, ...wire } = fedclair.v1.ErrorCode;
    assert.equal(ERROR_CODE_UNSPECIFIED, 0);
    const named = Object.entries(wire).filter(([, value]) => typeof value === "number");
    assert.deepEqual(Object.fromEntries(named), { ...errorCodes });
  });

  it("are the same in the code and in docs/errors.md", () => {
    assert.deepEqual(table("Error codes"), { ...errorCodes });
  });

  it("have distinct numbers", () => {
    for (const codes of [errorCodes, exitCodes]) {
      assert.equal(new Set(Object.values(codes)).size, Object.keys(codes).length);
    }
  });
});

describe("exit codes", () => {
  it("are the same in the code and in docs/errors.md", () => {
    assert.deepEqual(table("Exit codes"), { ...exitCodes });
  });
});

describe("limits", () => {
  const protocol = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
  const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, s: 1000 };
  /** The first two columns of the tables of limits, in bytes and milliseconds. */
  const section = protocol.split(/^## /m).find((text) => text.startsWith("Limits\n")) ?? "";
  const rows = [...section.matchAll(/^\| *([^|]+?) *\| *(\d[\de]*) ?(\w*) *\|/gm)];
  const documented = Object.fromEntries(
    rows.map(([, limit, value, unit]): [string, number] => [
      limit ?? "",
      Number(value) * (units[unit ?? ""] ?? 1),
    ]),
  );

  it("are the same in the code and in docs/protocol.md", () => {
    assert.deepEqual(documented, {
      "payload of a frame": defaultLimits.chunkBytes,
      "a message": defaultLimits.maxMessageBytes,
      "a frame, a message before Welcome": limitsBeforeWelcome.maxMessageBytes,
      "a text packet of Socket.IO": maxTextPacket,
      "packets to a host that it does not wait for": maxWaitingPackets,
      "fields of a message": maxFields,
      "messages that travel together": maxTogether,
      "the trial in a Welcome": maxTrialBytes,
      "unfinished messages": maxTransfers,
      "unanswered jobs of a host": jobWindow.small,
      "unanswered jobs, with 64 KiB of a client's own params": jobWindow.large,
      "time to join": joinTimeout,
      "time to answer a frame": replyTimeout,
      "metrics of an update": bounds.metrics,
      "name of a metric, module, phase or client": bounds.nameLength,
      "backends of a host": maxBackends,
      "name of a backend, software version, text of a plug-in": maxWordLength,
      "text of a failure": bounds.failureBytes,
      "rank of two factors": freeRank,
      "number in the change of an F32 module": maxChange.f32,
      "number in the change of an F64 module": maxChange.f64,
      "metrics of an answer, in a record": bounds.recordedMetricsBytes,
    });
  });

  it("are the schema's defaults, where a trial file sets them", () => {
    const { limits } = toyTrial();
    assert.equal(limits.chunkBytes, defaultLimits.chunkBytes);
    assert.equal(limits.maxMessageBytes, defaultLimits.maxMessageBytes);
  });
});
