import { signal } from "@preact/signals";
import { RunData, type ShownRun } from "@fedclair/view/browser";
import type { RoundsData, RunState } from "@fedclair/view/data";
import { formatSetting, trialText, type Setting } from "./settings.js";
import type { Message } from "./worker.js";

/** What became of the federation that the page runs. */
export type Stage =
  | { readonly name: "running" }
  | { readonly name: "done"; readonly seconds: number }
  | { readonly name: "failed"; readonly why: string };

/** The federation of the page: its setting, and what its worker has reported so far. */
export class Playground implements Pick<ShownRun, "followed"> {
  readonly setting;
  readonly stage = signal<Stage>({ name: "running" });
  readonly run = signal<RunState | undefined>(undefined);
  /** The rounds of the main arm. */
  readonly rounds = signal<RoundsData | undefined>(undefined);
  /** What the parts of the live page read. */
  readonly followed = {
    names: signal({}),
    activity: signal<ShownRun["followed"]["activity"]["value"]>(undefined),
    grown: signal({ data: new RunData() }),
    data: new RunData(),
  };
  /** The lines of `records.jsonl`. */
  records: string[] = [];
  #worker: Worker | undefined;

  constructor(setting: Setting) {
    this.setting = signal(setting);
    this.start(setting);
  }

  /** Runs another setting instead, from its first round on. */
  start(setting: Setting): void {
    this.#worker?.terminate();
    this.setting.value = setting;
    history.replaceState(null, "", formatSetting(setting));
    this.stage.value = { name: "running" };
    this.run.value = undefined;
    this.rounds.value = undefined;
    this.followed.data = new RunData();
    this.followed.grown.value = { data: this.followed.data };
    this.followed.activity.value = undefined;
    this.records = [];
    const began = performance.now();
    const worker = new Worker("worker.js", { type: "module", name: "federation" });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Message>) => {
      this.#handle(data, began);
    };
    worker.onerror = ({ message }) => {
      this.stage.value = { name: "failed", why: message || "the worker could not be started" };
    };
    worker.postMessage(trialText(setting));
  }

  #handle(message: Message, began: number): void {
    switch (message.kind) {
      case "run":
        this.run.value = message.state;
        return;
      case "activity": {
        const written = new Date().toISOString();
        const { arm, progress } = message;
        this.followed.activity.value = { ...progress, arm, written, hosts: [] };
        return;
      }
      case "round":
        this.records.push(message.line);
        this.followed.data.addRound(message.round);
        this.followed.grown.value = { data: this.followed.data };
        return;
      case "rounds":
        this.rounds.value = message.data;
        return;
      case "ended":
        this.stage.value = { name: "done", seconds: (performance.now() - began) / 1000 };
        return;
      case "failed":
        this.stage.value = { name: "failed", why: message.why };
    }
  }
}
