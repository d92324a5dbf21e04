import { signal } from "@preact/signals";
import type { Names, RoundCost, RunState, StreamedArmRound } from "../../src/data/protocol.js";
import type { Activity } from "@fedclair/runs";
import { RunData } from "../data/run-data.js";

/** The state of the connection to the server. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** `why` is present if the server answered with a reason. */
  | { readonly state: "lost"; readonly since: number; readonly why?: string };

/** The events of the server (stream-run.ts). */
interface Events {
  readonly reset: unknown;
  readonly run: RunState;
  readonly names: Names;
  readonly activity: Activity;
  readonly round: StreamedArmRound;
  readonly time: RoundCost;
  readonly live: unknown;
}

/** A run that is followed, and its latest state. */
export interface ShownRun {
  readonly followed: Pick<FollowedRun, "names" | "activity" | "grown" | "data">;
  readonly run: RunState;
}

/** A run that the page follows. */
export class FollowedRun {
  readonly path: string;
  readonly link = signal<Link>({ state: "connecting" });
  readonly run = signal<RunState | undefined>(undefined);
  readonly names = signal<Names>({});
  readonly activity = signal<Activity | undefined>(undefined);
  /** The rounds that have arrived, in a new object whenever they grew, at most once a frame. */
  readonly grown = signal({ data: new RunData() });
  /** Has everything arrived that was written when the page opened? */
  readonly isWhole = signal(false);
  data = new RunData();
  #source: EventSource | undefined;
  #after = "";
  #retry = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;
  #isOver = false;
  #isWhole = false;

  constructor(path: string) {
    this.path = path;
    // A browser opens six connections to a server; pages in the background leave theirs to others.
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.#connect();
  }

  close(): void {
    this.#isOver = true;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#source?.close();
  }

  readonly #onVisibility = (): void => {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
    if (document.visibilityState === "visible") this.#connect();
  };

  #connect(): void {
    const query = new URLSearchParams({ run: this.path });
    if (this.#after !== "") query.set("after", this.#after);
    const source = new EventSource(`/api/events?${query.toString()}`);
    this.#source = source;
    const on = <K extends keyof Events>(name: K, handle: (value: Events[K]) => void) => {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (event.lastEventId !== "") this.#after = event.lastEventId;
        handle(JSON.parse(event.data) as Events[K]);
      });
    };
    on("reset", () => {
      this.data = new RunData();
      this.#changed();
    });
    on("run", (state) => {
      this.#retry = 0;
      this.link.value = { state: "live" };
      this.run.value = state;
    });
    on("names", (names) => (this.names.value = names));
    on("activity", (activity) => (this.activity.value = activity));
    on("round", (round) => {
      this.data.addRound(round);
      this.#changed();
    });
    on("time", (time) => {
      this.data.times.push(time);
      this.#changed();
    });
    on("live", () => {
      this.#isWhole = true;
      this.#changed();
    });
    source.addEventListener("error", () => {
      source.close();
      if (this.#source !== source || this.#isOver) return;
      this.#source = undefined;
      void this.#explainLoss();
    });
  }

  /** The browser does not say why a stream ended, so a plain request asks for the reason. */
  async #explainLoss(): Promise<void> {
    const before = this.link.value;
    const since = before.state === "lost" ? before.since : Date.now();
    const answer = await fetch(
      `/api/list?${new URLSearchParams({ folder: this.path }).toString()}`,
    ).catch(() => undefined);
    const why = answer && !answer.ok ? (await answer.text()).trim() : undefined;
    this.link.value = { state: "lost", since, ...(why !== undefined && { why }) };
    const pause = Math.min(500 * 2 ** this.#retry++, 5000);
    this.#timer = setTimeout(() => {
      if (!this.#isOver && document.visibilityState === "visible") this.#connect();
    }, pause);
  }

  #changed(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.grown.value = { data: this.data };
      this.isWhole.value = this.#isWhole;
    });
  }
}
