import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { ClairOptions } from "@fedclair/clair";
import { configFile } from "../adapters/peft-config.js";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import {
  findingCodes,
  findingKinds,
  type FindingCode,
  type FindingLevel,
} from "../findings/catalogue.js";
import { listFindings } from "../text/notices.js";
import { isKnown, type Baseline } from "./gate.js";

/** A row of a SARIF log before it is written. */
interface Result {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  readonly text: string;
  /** The adapter whose configuration is the location. */
  readonly adapter: AdapterFinding;
}

/**
 * Formats an audit as SARIF 2.1.0, which code hosts show beside a pull request: one result for each
 * adapter and finding. Siblings have none, because they are not part of the project.
 * @param version of this program
 * @param folder the root of the project: files in it have relative addresses
 */
export function formatSarif(
  audit: Audit,
  options: ClairOptions,
  { version, baseline, folder = "." }: { version: string; baseline?: Baseline; folder?: string },
): string {
  const results = listResults(audit, options);
  const rules = findingCodes.filter((code) => results.some((result) => result.code === code));
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "fedclair audit", version, rules: rules.map(describeRule) } },
        invocations: [{ executionSuccessful: true }],
        columnKind: "utf16CodeUnits",
        results: results.map(({ code, level, text, adapter }) => ({
          ruleId: code,
          ruleIndex: rules.indexOf(code),
          level,
          message: { text },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: locateConfig(adapter, folder) },
                region: { startLine: 1 },
              },
              logicalLocations: [{ fullyQualifiedName: adapter.name, kind: "resource" }],
            },
          ],
          partialFingerprints: { "adapterAndCode/v1": fingerprint(adapter, code) },
          ...(baseline && { baselineState: isKnown(adapter, baseline) ? "unchanged" : "new" }),
        })),
      },
    ],
  };
  return JSON.stringify(log, null, 2) + "\n";
}

function listResults(audit: Audit, options: ClairOptions): Result[] {
  const own = audit.adapters.filter(({ origin }) => origin?.hub?.isSibling !== true);
  const byName = new Map(own.map((adapter) => [adapter.name, adapter]));
  const verdicts = own.flatMap((adapter): Result[] => {
    const { status: code, name, reason = "" } = adapter;
    if (code !== "contaminated" && code !== "undecided" && code !== "invalid") return [];
    const text = `${name} is ${code}${reason === "" ? "" : `: ${reason}`}. ${findingKinds[code].advice}`;
    return [{ code, level: findingKinds[code].level, text, adapter }];
  });
  const [first] = own;
  const others = listFindings(audit, options).flatMap(
    ({ code, level, text, advice, adapters }): Result[] => {
      if (adapters.length === 0)
        return first ? [{ code, level, text: `${text} ${advice}`, adapter: first }] : [];
      return adapters.flatMap(({ name, detail }) => {
        const adapter = byName.get(name);
        const what = `${findingKinds[code].title}: ${name}${detail === undefined ? "" : ` (${detail})`}`;
        return adapter ? [{ code, level, text: `${what}. ${advice}`, adapter }] : [];
      });
    },
  );
  return [...verdicts, ...others];
}

function describeRule(code: FindingCode): object {
  const { level, title, advice } = findingKinds[code];
  return {
    id: code,
    shortDescription: { text: `${title}.` },
    help: { text: advice },
    defaultConfiguration: { level },
    // Code hosts sort by this number: from 9 critical, from 7 high, from 4 medium.
    properties: {
      tags: ["security"],
      "security-severity": { error: "8.5", warning: "5.0", note: "1.0" }[level],
    },
  };
}

/** The address of an adapter's configuration: relative in the project, or else absolute. */
function locateConfig({ name, origin }: AdapterFinding, folder: string): string {
  if (origin?.hub) return `${origin.hub.page}/${configFile}`;
  const file = resolve(join(origin?.folder ?? name, configFile));
  const path = relative(resolve(folder), file);
  if (path.startsWith("..") || isAbsolute(path)) return pathToFileURL(file).href;
  return path.split(sep).map(encodeURIComponent).join("/");
}

/** A text that stays the same as long as the files and the finding do. */
function fingerprint({ name, origin }: AdapterFinding, code: FindingCode): string {
  const hashes = origin?.files.map(({ sha256 }) => sha256.slice(0, 16)) ?? [];
  return [code, ...(hashes.length > 0 ? hashes : [name])].join(":");
}
