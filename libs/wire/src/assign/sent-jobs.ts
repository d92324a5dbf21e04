import type { Failure, Job } from "@fedclair/core/internal";
import type { HostMessage } from "../codec/host-message.js";
import { accepted, refuse, type Reply } from "../codec/reply.js";
import type { Traffic } from "../send/traffic.js";
import type { HostSession } from "./host-session.js";
import type { OpenJobs } from "./open-jobs.js";

/** A result of a job, as a host sends it. */
type Result = Extract<HostMessage, { readonly clientId: string }>;

/** The jobs that hosts have to answer, of all calls of `ask`. */
export class SentJobs {
  readonly #traffic: Traffic;
  readonly #byId = new Map<number, { readonly open: OpenJobs; readonly session: HostSession }>();

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  add(open: OpenJobs, { id }: Job, session: HostSession): void {
    this.#byId.set(id, { open, session });
  }

  /** Ends a call of `ask`. Results of its jobs are refused from now on. */
  end(open: OpenJobs): void {
    open.close();
    for (const id of open.jobs.keys()) this.#byId.delete(id);
  }

  endAll(): void {
    for (const { open } of this.#byId.values()) open.close();
    this.#byId.clear();
  }

  /** Fails the jobs of a host that left. */
  failAll(left: HostSession, reason: string): void {
    for (const [id, { open, session }] of this.#byId) {
      const job = open.jobs.get(id);
      if (!job || session !== left) continue;
      open.fail(job, { code: "HOST_LOST", message: `the client's host left: ${reason}` });
    }
  }

  /** Counts the open jobs of each host. */
  countByHost(): ReadonlyMap<HostSession, number> {
    const counts = new Map<HostSession, number>();
    for (const { session } of this.#byId.values())
      counts.set(session, (counts.get(session) ?? 0) + 1);
    return counts;
  }

  /** Records a result that a host sent. */
  record(from: HostSession, result: Result): Reply {
    const { jobId, clientId } = result;
    const { open, session } = this.#byId.get(jobId) ?? {};
    const job = open?.jobs.get(jobId);
    if (!open || !job) {
      return refuse({ code: "STALE_ROUND", message: `job ${jobId} is not open` });
    }
    if (job.clientId !== clientId || session !== from) {
      const message = `client '${clientId}' of job ${jobId} is not this host's`;
      return refuse({ code: "UNKNOWN_CLIENT", message });
    }
    const refusal =
      result.type === "clientUpdate"
        ? this.#recordUpdate(open, job, result)
        : open.fail(job, result.failure);
    return refusal ? refuse(refusal) : accepted;
  }

  #recordUpdate(
    open: OpenJobs,
    job: Job,
    {
      read,
      workSeconds,
      peakMemory,
      peakDeviceMemory,
    }: Extract<Result, { readonly type: "clientUpdate" }>,
  ): Failure | undefined {
    const refusal = open.answer(job, () => {
      const since = performance.now();
      const update = read();
      this.#traffic.decodedSince(since);
      return update;
    });
    if (refusal) return refusal;
    const traffic = this.#traffic;
    traffic.workSeconds += workSeconds;
    traffic.hostMemory = Math.max(traffic.hostMemory, peakMemory);
    traffic.deviceMemory = Math.max(traffic.deviceMemory, peakDeviceMemory);
    return undefined;
  }
}
