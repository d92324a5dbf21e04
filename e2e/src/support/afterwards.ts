import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followMachine } from "./time-limit.js";

followMachine();

/** Functions that clean up after every test in a process. The last added runs first. */
export const cleanUps: (() => Promise<void>)[] = [];

/** Functions that clean up after all tests of a file. The last added runs first. */
export const lastCleanUps: (() => Promise<void>)[] = [];

// Commands of tests keep their list of known code apart from that of the user who runs the tests.
const state = mkdtempSync(join(tmpdir(), "fedclair-state-"));
process.env["XDG_STATE_HOME"] = state;
process.once("exit", () => {
  rmSync(state, { recursive: true, force: true });
});

let inTest = false;

/** Does a test run? Folders that a suite's `before` creates are kept for all of its tests. */
export function isInTest(): boolean {
  return inTest;
}

/**
 * Root hooks for mocha's `require`. Hooks in imported files would apply only to the first test file
 * of a process, as Node.js loads a module once.
 */
export const mochaHooks = {
  beforeEach: (): void => {
    inTest = true;
  },
  afterEach: async (): Promise<void> => {
    for (const clean of cleanUps.toReversed()) await clean();
    inTest = false;
  },
  afterAll: async (): Promise<void> => {
    for (const clean of lastCleanUps.toReversed()) await clean();
  },
};
