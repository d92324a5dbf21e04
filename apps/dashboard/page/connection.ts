import { signal } from "@preact/signals";
import type { Names, RoundColumns, RoundTime, RunState } from "../src/protocol.js";
import type { Activity } from "./activity.js";
import { RunData } from "./run-data.js";

/** The state of the connection to the server. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** `why` is present if the server answered with a reason. */
  | { readonly state: "lost"; readonly since: number; readonly why?: string };

/** A run that the page follows. */
export class FollowedRun {
  readonly path: string;
  readonly link = signal<Link>({ state: "connecting" });
  readonly run = signal<RunState | undefined>(undefined);
  readonly names = signal<Names>({});
  readonly activity = signal<Activity | undefined>(undefined);
  /** Increases when `data` has grown, at most once a frame. */
  readonly version = signal(0);
  /** Has everything that was written arrived once? */
  readonly isComplete = signal(false);
  data = new RunData();
  #source: EventSource | undefined;
  #after = "";
  #retry = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;
  #isOver = false;

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
    const on = <T>(name: string, handle: (value: T) => void) => {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (event.lastEventId !== "") this.#after = event.lastEventId;
        handle(JSON.parse(event.data) as T);
      });
    };
    on<unknown>("reset", () => {
      this.data = new RunData();
      this.isComplete.value = false;
      this.#changed();
    });
    on<RunState>("run", (state) => {
      this.#retry = 0;
      this.link.value = { state: "live" };
      this.run.value = state;
    });
    on<Names>("names", (names) => (this.names.value = names));
    on<Activity>("activity", (activity) => (this.activity.value = activity));
    on<RoundColumns>("round", (columns) => {
      this.data.addRound(columns);
      this.#changed();
    });
    on<RoundTime>("time", (time) => {
      this.data.addTime(time);
      this.#changed();
    });
    on<unknown>("live", () => {
      this.isComplete.value = true;
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
      this.version.value++;
    });
  }
}
