import { currentBackend } from "@fedclair/compute";
import type { Params } from "@fedclair/core";
import { errorLocation, errorMessage } from "@fedclair/core/errors";
import {
  ClientRunner,
  type Answer,
  type ClientJob,
  type ReportedJob,
} from "@fedclair/core/internal";
import { NumberPages } from "@fedclair/threads";
import { loadPlugins } from "../load-plugins.js";
import { loadForHost } from "../built-in.js";
import type { PluginModule } from "../resolve-module.js";
import { mapAnswers } from "./map-answers.js";
import { guardProcess } from "./guard-process.js";
import { HostNote } from "./host-note.js";
import { StrayErrors } from "./stray-errors.js";
import type { PluginService, PostedJob, ThreadTrial } from "./thread-messages.js";
import { prepareInThread } from "./prepare-in-thread.js";

/** The time between two signs that the event loop turns while clients train together, in ms. */
const pulseMs = 250;

/** The code of a trial's clients in a thread. */
export type ClientSide = Awaited<ReturnType<typeof openClientSide>>;

/** Prepares to run clients' jobs in this thread. */
export async function openClientSide(
  service: PluginService,
  modules: readonly PluginModule[],
  trial: ThreadTrial,
  isAlone: boolean,
  isApart: boolean,
) {
  const { activity } = service;
  const note = new HostNote(isApart);
  const stray = new StrayErrors((job, did, location) => {
    if (!job) {
      service.report(["onStray", undefined, `${did}${location}`]);
      return;
    }
    const [reported, what] = [
      toReported(job),
      `after its answer in round ${job.round} its code ${did}`,
    ];
    service.report(["onStray", reported, what]);
    // The client does not run again by the time that somebody reads this.
    service.report(["onClientError", reported, `${what}${location}`]);
  });
  guardProcess((code) => {
    stray.exit(code);
  });
  const plugins = loadPlugins(modules, trial.content, loadForHost);
  const prepared = await prepareInThread(trial, modules, plugins);
  let current = { batch: 0, jobs: [] as readonly PostedJob[] };
  let pulse: NodeJS.Timeout | undefined;
  const runner = new ClientRunner(prepared, {
    onClientError: (job, error) => {
      service.report(["onClientError", toReported(job), describe(error)]);
    },
    onBatchError: (task, error) => {
      service.report(["onBatchError", task, describe(error)]);
    },
    onTimeout: (job, what) => {
      service.report(["onTimeout", toReported(job), what]);
    },
    onAttempt: (jobs) => {
      const job = current.jobs.findIndex(({ id }) => id === jobs[0]?.id);
      activity.begin({ call: current.batch, job, jobs: jobs.length, code: -1 });
      stray.begin(jobs);
      note.write(jobs);
      clearInterval(pulse);
      if (jobs.length > 1) {
        pulse = setInterval(() => {
          activity.turn();
        }, pulseMs);
      }
    },
    onCode: (name) => {
      activity.enter(service.codeIndex(name));
    },
  });
  await runner.prepare({ isAlone });
  const pages = new NumberPages();
  let lastBase: Params = new Map();
  return {
    /** Returns the largest number of jobs that can run together. */
    maxBatch: () => runner.maxBatch,

    /**
     * @param batch the number that `Doing.call` shows while the jobs run
     * @param base the new last base; default: the one before
     */
    runJobs: async (batch: number, jobs: readonly PostedJob[], base?: Params) => {
      if (base) lastBase = base;
      current = { batch, jobs };
      const answers = await runner.runAll(jobs.map((job) => toClientJob(job, lastBase)));
      await new Promise(setImmediate); // reports rejections that nobody awaits
      stray.end();
      note.clear();
      const hasTimeout = answers.some(isTimeout);
      // Code of the client may run on, so the thread answers no more calls.
      if (hasTimeout) service.stop();
      return {
        answers: mapAnswers(answers, (tensor) => pages.store(tensor)),
        tensors: currentBackend()?.tf.memory().numTensors ?? 0,
        hasTimeout,
      };
    },
  };
}

function toClientJob({ params, ...job }: PostedJob, lastBase: Params): ClientJob {
  const base = params.base === "last" ? lastBase : params.base;
  return { ...job, params: { base, rounds: params.rounds } };
}

/** Leaves out the params of a job, which a report need not carry. */
function toReported({ clientId, round, kind }: ReportedJob): ReportedJob {
  return { clientId, round, kind };
}

/** Describes an error with its location, which no message to the coordinator contains. */
function describe(error: unknown): string {
  return `${errorMessage(error)}${errorLocation(error)}`;
}

/**
 * Whether the client of an answer ran out of time. Its code may run on, and would be taken for that
 * of the next client.
 */
function isTimeout(answer: Answer): boolean {
  return "failure" in answer && answer.failure.code === "CLIENT_TIMEOUT";
}
