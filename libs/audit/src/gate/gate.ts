import type { ClairOptions } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { UserError } from "@fedclair/core";
import { readOptionFile } from "@fedclair/runs";
import { z } from "zod";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { listFindings } from "../text/notices.js";

/** What can make an audit fail: a status of an adapter, or any error or warning. */
export const failConditions = ["contaminated", "invalid", "undecided", "finding"] as const;
export type FailCondition = (typeof failConditions)[number];

const files = z.looseObject({ file: z.string(), sha256: z.string() });
const baselineSchema = z.looseObject({
  adapters: z.array(
    z.looseObject({ origin: z.looseObject({ files: z.array(files) }).exactOptional() }),
  ),
  findings: z.array(z.looseObject({ code: z.string(), adapters: z.array(z.unknown()) })),
});

/** The adapters and findings of an earlier audit. */
export interface Baseline {
  /** The contents of the known adapters' files. */
  readonly contents: ReadonlySet<string>;
  /** The codes of known findings about the pile. */
  readonly codes: ReadonlySet<string>;
}

/**
 * Reads the adapters that are known from an earlier audit.
 * @param file the output of `fedclair audit --json`
 * @throws UserError if it is something else
 */
export function readBaseline(file: string): Baseline {
  const text = readOptionFile("--baseline", file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const { data } = baselineSchema.safeParse(content);
  if (data === undefined) {
    throw new UserError(
      `--baseline: '${oneLine(file)}': expected the output of fedclair audit --json`,
    );
  }
  const about = data.findings.filter(({ adapters }) => adapters.length === 0);
  return {
    contents: new Set(data.adapters.flatMap(({ origin }) => describeContent(origin?.files) ?? [])),
    codes: new Set(about.map(({ code }) => code)),
  };
}

/** Joins the hashes of an adapter's files; undefined if there are none. */
function describeContent(
  own: readonly { readonly file: string; readonly sha256: string }[] = [],
): string | undefined {
  return own.length === 0 ? undefined : own.map(({ file, sha256 }) => `${file} ${sha256}`).join();
}

/** Tests if an adapter was in an earlier audit, with the same content of its files. */
export function isKnown({ origin }: AdapterFinding, baseline: Baseline | undefined): boolean {
  const content = describeContent(origin?.files);
  return content !== undefined && baseline?.contents.has(content) === true;
}

/**
 * Lists the reasons why an audit fails. Siblings and adapters of the baseline are no reason: they
 * are there to be compared with.
 * @returns one sentence for each, as "bad-1 is contaminated" or "pickle: a, b"
 */
export function listFailures(
  audit: Audit,
  options: ClairOptions,
  conditions: readonly FailCondition[],
  baseline?: Baseline,
): string[] {
  const judged = audit.adapters.filter(
    (one) => one.origin?.hub?.isSibling !== true && !isKnown(one, baseline),
  );
  const hasAny = conditions.includes("finding");
  const statuses = judged
    .filter(
      ({ status }) =>
        conditions.includes(status as FailCondition) ||
        (hasAny && (status === "contaminated" || status === "invalid")),
    )
    .map(({ name, status }) => `${oneLine(name)} is ${status}`);
  const names = new Set(judged.map(({ name }) => name));
  const findings = hasAny ? listFindings(audit, options) : [];
  const others = findings
    .filter(({ level }) => level !== "note")
    .flatMap(({ code, adapters }) => {
      const own = adapters.filter(({ name }) => names.has(name)).map(({ name }) => oneLine(name));
      if (adapters.length === 0) return baseline?.codes.has(code) === true ? [] : [code];
      return own.length === 0 ? [] : [`${code}: ${own.join(", ")}`];
    });
  return [...statuses, ...others];
}
