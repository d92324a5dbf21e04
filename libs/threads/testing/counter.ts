/** The script of a thread for tests. */
import { MessagePort, parentPort, workerData } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { ThreadService } from "../src/index.js";

class Counter {
  #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  add(by: number): number {
    return (this.#count += by);
  }

  /** Does not return. @param name of the code that runs */
  hang(name: string): void {
    const code = service.codeIndex(name);
    service.activity.begin({ call: 7, job: 0, jobs: 1, code });
    for (;;);
  }

  /** Works for a while, with signs that it makes progress. */
  work(ms: number): string {
    service.activity.begin({ call: 8, job: 0, jobs: 1, code: -1 });
    for (const end = Date.now() + ms; Date.now() < end;) service.activity.turn();
    return "done";
  }

  throwUserError(): void {
    throw new UserError("mine", 5);
  }

  throwTypeError(): void {
    throw new TypeError("no number");
  }

  throwFunction(): void {
    const thrown: unknown = () => 1;
    throw thrown;
  }

  /** Returns what cannot be posted. */
  giveFunction(): () => number {
    return () => 1;
  }

  addAndReport(by: number): number {
    service.report(`adding ${by}`);
    return this.add(by);
  }

  exit(code: number): void {
    process.exit(code);
  }

  async stopAfterThis(): Promise<string> {
    service.stop();
    return Promise.resolve("last");
  }

  /** Does what it can to answer for others. @returns what it has found */
  forge(): unknown {
    parentPort?.postMessage(null);
    for (let call = 0; call < 10; call++) parentPort?.postMessage([{ call, result: "forged" }]);
    const channels: MessagePort[] = [];
    MessagePort.prototype.postMessage = function () {
      channels.push(this);
    };
    parentPort?.close();
    service.report("not forged");
    const handles = Reflect.get(process, "_getActiveHandles") as () => unknown[];
    return [channels.length, handles(), workerData];
  }

  reportAndExit(count: number): void {
    for (let i = 0; i < count; i++) service.report(`report ${i}`);
    process.exit(0);
  }

  /** An object that this one creates. */
  child(count: number): Counter {
    if (count < 0) throw new RangeError("below zero");
    return new Counter(count);
  }
}

const makers = {
  counter: (count: number) => new Counter(count),
  fault: (): Counter => {
    throw new UserError("cannot be made");
  },
};
export type CounterMakers = typeof makers;
const service = new ThreadService<CounterMakers, string>(makers);
