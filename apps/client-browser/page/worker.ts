/*
 * The host of this tab. It runs in a worker, so that training does not stop the page, the page can
 * end it at any time, and timers keep their pace while the tab is in the background.
 */
import { UserError } from "@fedclair/core";
import { ClientRunner, errorMessage, prepareSentTrial, type Trial } from "@fedclair/core/internal";
import {
  loadForTab,
  previewTable,
  tabTaskNames,
  withoutAggregators,
  type ChosenFile,
  type ReadData,
} from "@fedclair/plugins/browser";
import { connectTab, RefusedError, Traffic, UnreachableError } from "@fedclair/wire/browser";
import { release } from "./release.js";
import { startWasm } from "./start-wasm.js";
import type { Order, Outcome, Report } from "./messages.js";

const scope = self as unknown as {
  postMessage(report: Report): void;
  onmessage: (event: { readonly data: Order }) => void;
};
const leaving = new AbortController();

scope.onmessage = ({ data: order }) => {
  if (order.kind === "leave") leaving.abort();
  else if (order.kind === "check") void check(order);
  else void host(order);
};

function report(one: Report): void {
  scope.postMessage(one);
}

/** Shows what is in files, and whether the trial can use them. Never rejects. */
async function check({ trial, files }: Extract<Order, { kind: "check" }>): Promise<void> {
  try {
    const rows = await previewTable(files);
    if (rows) report({ kind: "preview", rows });
    if (trial) await prepare(trial, files);
  } catch (error) {
    report({ kind: "ended", outcome: outcomeOf(error), reason: errorMessage(error) });
  }
}

/** Joins a coordinator and trains until the trial is over. Never rejects. */
async function host(order: Extract<Order, { kind: "join" }>): Promise<void> {
  const { coordinator = location.origin, token, capacity, files } = order;
  const traffic = new Traffic();
  const beat = () => {
    report({
      kind: "beat",
      bytesSent: traffic.bytesSent,
      bytesReceived: traffic.bytesReceived,
    });
  };
  const beats = setInterval(beat, 1000);
  let runner: ClientRunner | undefined;
  try {
    const { reason, exitCode } = await connectTab({
      url: coordinator,
      token,
      capacity,
      traffic,
      backends: ["wasm"],
      softwareVersion: release,
      signal: leaving.signal,
      onWelcome: async (trialJson) => {
        runner = await prepare(JSON.parse(trialJson) as Trial, files);
      },
      onJoined: () => {
        report({ kind: "joined" });
      },
      onLost: (why) => {
        report({ kind: "lost", why });
      },
      onOtherRelease: (other) => {
        report({
          kind: "warning",
          text: `This page has release ${release}, and the coordinator ${other}: reload the page.`,
        });
      },
      onRefused: (clientId, { code, message }) => {
        report({
          kind: "warning",
          text: `The coordinator refused an update of ${clientId}: ${code}: ${message}`,
        });
      },
      jobsAtOnce: () => runner?.maxBatch ?? 1,
      runJobs: async (jobs) => {
        const [first] = jobs;
        if (!runner || !first) throw new Error("a job came before the trial");
        const { round, kind } = first;
        const work = { round, kind, clients: jobs.map(({ clientId }) => clientId) };
        report({ kind: "started", work });
        const since = performance.now();
        const answers = await runner.runAll(jobs);
        const failures = answers.flatMap((answer) =>
          "failure" in answer
            ? `${answer.clientId}: ${answer.failure.code}: ${answer.failure.message}`
            : [],
        );
        const measured = answers.flatMap((answer) =>
          kind === "evaluate" && "update" in answer
            ? Object.entries(answer.update.metrics).slice(0, 1)
            : [],
        );
        const seconds = (performance.now() - since) / 1000;
        report({ kind: "done", work, seconds, measured, failures });
        return answers;
      },
    });
    beat();
    const outcome = leaving.signal.aborted ? "left" : exitCode === 0 ? "over" : "dismissed";
    report({ kind: "ended", outcome, reason });
  } catch (error) {
    beat();
    const { code, message } =
      error instanceof RefusedError
        ? error.failure
        : { code: undefined, message: errorMessage(error) };
    report({ kind: "ended", outcome: outcomeOf(error), reason: message, code });
  } finally {
    clearInterval(beats);
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof RefusedError) return "refused";
  if (error instanceof UnreachableError) return "unreachable";
  if (error instanceof FileError) return "unusable";
  return error instanceof UserError ? "unfit" : "failed";
}

/** The user's files cannot be trained on. The coordinator does not learn why. */
class FileError extends UserError {}

/**
 * Makes errors that a user can correct errors of the files. Their message loses the place in a
 * trial file, which people at a page do not have.
 */
async function blameFiles(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message } = error.cause instanceof UserError ? error.cause : error;
    throw new FileError(message.replace(/^source: /, ""));
  }
}

/**
 * Loads the task of a trial and its data.
 * @param files the user's, which take the place of the trial's data if there are any
 * @throws UserError if a tab cannot train it, or not on these files
 */
async function prepare(trial: Trial, files: readonly ChosenFile[]): Promise<ClientRunner> {
  const { name, task, rounds, clients } = trial;
  const hasOwn = files.length > 0;
  const chosen = {
    files,
    onRead: (data: ReadData) => {
      report({ kind: "read", data });
    },
  };
  const plugins = await loadForTab(task.name, trial, hasOwn ? chosen : undefined);
  if (!plugins) {
    throw new UserError(
      `the task of this trial is ${task.name}, and a browser tab can train ${tabTaskNames.join(", ")}: start hosts of another kind (fedclair client)`,
    );
  }
  const backend = await startWasm();
  report({ kind: "trial", facts: { name, task: task.name, rounds, clients, backend } });
  const content = prepareSentTrial(withoutAggregators(trial), "the coordinator's trial", plugins);
  const runner = new ClientRunner(content, {
    onClientError: ({ clientId }, error) => {
      console.error(`client ${clientId} failed`, error);
    },
  });
  await (hasOwn ? blameFiles(runner.prepare()) : runner.prepare());
  return runner;
}
