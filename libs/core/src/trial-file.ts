import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { clientIds } from "./clients.js";
import type { Plugins, Task } from "./contracts.js";
import { checkContamination, contaminationsOf } from "./data-contamination.js";
import { UserError } from "./errors.js";
import { createPlugin, trialSchema, type PluginChoice, type Trial } from "./trial.js";

/**
 * Reads a trial file.
 * @param file its name, for messages
 * @param overrides `path=value` texts that replace or add keys, as `--set task.localSteps=5`; the value is YAML
 * @throws UserError naming file, line, column, the offending value and what was expected, a line for every fault
 */
export function parseTrial(
  text: string,
  file: string,
  plugins: Plugins,
  overrides: readonly string[] = [],
): Trial {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number | undefined) => {
    if (offset === undefined) return file;
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ pos, message }) => {
      return `${place(pos[0])}: ${message.replace(/ at line \d+, column \d+:[^]*$/, "")}`;
    });
    throw new UserError(faults.join("\n"));
  }
  const set = overrides.map((override) => ({ override, path: applyOverride(document, override) }));
  const content = contentOf(document, file);
  const result = trialSchema(plugins).safeParse(content, { reportInput: true });
  if (result.success) {
    checkPlugins(result.data, plugins, file);
    return result.data;
  }
  const faults = result.error.issues.flatMap(flatten).map((issue) => {
    const path = issue.path.map(String);
    const [key] = issue.code === "unrecognized_keys" ? issue.keys : [];
    const offset = key === undefined ? offsetOf(document, path) : offsetOfKey(document, path, key);
    const full = key === undefined ? path : [...path, key];
    const by = set.findLast((s) => s.path.every((k, i) => String(k) === full[i]));
    return `${by ? `--set ${by.override}` : place(offset)}: ${path.join(".") || "trial"}: ${explain(issue, content)}`;
  });
  throw new UserError([...new Set(faults)].join("\n"));
}

/** @throws UserError for an alias that leads nowhere, or too many of them */
function contentOf(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UserError(`${name}: ${messageOf(error)}`);
  }
}

/** What a schema cannot tell: does this task bear these attacks and this many clients? */
function checkPlugins(trial: Trial, plugins: Plugins, file: string): void {
  const task = createPlugin(plugins.tasks, trial.task);
  const known = contaminationsOf(plugins.tasks, trial.task);
  for (const [i, entry] of trial.attacks.entries()) {
    const place = `${file}: attacks.${i}: ${entry.attack.name}`;
    const attack = createPlugin(plugins.attacks, entry.attack);
    if (attack.corruptLabels && !plugins.tasks.get(trial.task.name)?.hasLabels) {
      const advice = "choose an attack on updates";
      throw new UserError(
        `${place} contaminates labels, and task ${trial.task.name} has none; ${advice}`,
      );
    }
    try {
      if (attack.data) checkContamination(attack.data, known);
    } catch (error) {
      throw new UserError(`${place}, kind ${attack.data?.kind ?? ""}: ${messageOf(error)}`);
    }
  }
  try {
    task.checkClients?.(trial.clients);
  } catch (error) {
    throw new UserError(`${file}: ${messageOf(error)}`);
  }
  const check = (path: string, choice: PluginChoice) => {
    checkAggregator(`${file}: ${path}: ${choice.name}`, choice, trial, plugins, task);
  };
  check("aggregator", trial.aggregator);
  for (const [i, { aggregator }] of trial.baselines.entries()) {
    check(`baselines.${i}.aggregator`, aggregator);
  }
}

/** @param place for messages */
function checkAggregator(
  place: string,
  choice: PluginChoice,
  trial: Trial,
  plugins: Plugins,
  { sharesParams }: Task,
): void {
  const owners = [...plugins.tasks.values()].filter(({ aggregators }) =>
    aggregators?.some(({ name }) => name === choice.name),
  );
  if (owners.length > 0 && !owners.some(({ name }) => name === trial.task.name)) {
    const names = owners.map(({ name }) => name).join(", ");
    throw new UserError(
      `${place} is for updates of task ${names}, not of ${trial.task.name}; choose another aggregator`,
    );
  }
  if (sharesParams && plugins.aggregators.get(choice.name)?.sharesNothing) {
    throw new UserError(
      `${place} leaves every client its own change, and the clients of task ${trial.task.name} share their params; ` +
        "choose fedavg, clair or another that averages",
    );
  }
  try {
    createPlugin(plugins.aggregators, choice).checkClients?.(clientIds(trial.clients));
  } catch (error) {
    throw new UserError(`${place}: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @returns the path that it sets */
function applyOverride(document: Document, override: string): readonly (string | number)[] {
  const split = override.indexOf("=");
  if (split < 1) throw new UserError(`--set: expected path=value, got '${override}'`);
  const path = override
    .slice(0, split)
    .split(".")
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  const parsed = parseDocument(override.slice(split + 1));
  if (parsed.errors.length > 0) throw new UserError(`--set: the value of '${override}' is no YAML`);
  const value = contentOf(parsed, `--set ${override}`);
  try {
    document.setIn(path, value);
  } catch {
    throw new UserError(`--set: ${path.join(".")} leads through a value that has no keys`);
  }
  return path;
}

/** Where the value at `path` stands in the text; the nearest ancestor's place for one that is missing. */
function offsetOf(document: Document, path: readonly string[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const range = rangeOf(document.getIn(path.slice(0, depth), true));
    if (range) return range[0];
  }
  return rangeOf(document.contents)?.[0] ?? 0;
}

/** Where `key` of the mapping at `path` stands in the text. */
function offsetOfKey(document: Document, path: readonly string[], key: string): number | undefined {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(map) && map.items.find((item) => isScalar(item.key) && item.key.value === key);
  return (pair && rangeOf(pair.key)?.[0]) || offsetOf(document, path);
}

function rangeOf(node: unknown): readonly number[] | null | undefined {
  return (node as { range?: readonly number[] } | null | undefined)?.range;
}

/** A union's own issue tells little when one of its branches was clearly meant: then that branch's issues do. */
function flatten(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find((inner) =>
    inner.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  if (!meant || issue.errors.length === 0) return [worded(issue)];
  return meant.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** Zod says no more of a union without words of its own than that the input is invalid. */
function worded(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue {
  if (issue.message !== "Invalid input") return issue;
  const choices = issue.errors.flatMap(([first]) =>
    first ? [expectation(first.message).replace(/^expected /, "")] : [],
  );
  return { ...issue, message: `expected ${[...new Set(choices)].join(" or ")}` };
}

/** A message of Zod without what it says before and after what was expected. */
function expectation(message: string): string {
  return message.replace(/^Invalid (input|option): /, "").replace(/, received .*$/, "");
}

function explain(issue: z.core.$ZodIssue, content: unknown): string {
  if (issue.code === "unrecognized_keys") {
    return `unknown key ${issue.keys.map((key) => `'${key}'`).join(", ")}`;
  }
  const message = expectation(issue.message);
  // A refinement words its own finding; whole mappings and lists would only repeat the file.
  const value = issue.path.reduce<unknown>(
    (node, key) => (node as Partial<Record<PropertyKey, unknown>> | undefined)?.[key],
    content,
  );
  const input = typeof value === "object" || issue.code === "custom" ? "" : value;
  if (input === undefined) return `missing, ${message}`;
  if (input === "") return message;
  return `${message}, got ${typeof input === "number" ? String(input) : JSON.stringify(input)}`;
}
