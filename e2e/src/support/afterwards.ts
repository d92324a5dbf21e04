/** Functions that clean up after every test in a process. The last added runs first. */
export const cleanUps: (() => Promise<void>)[] = [];

/**
 * Root hooks for mocha's `require`. Hooks in imported files would apply only to the first test file
 * of a process, as Node.js loads a module once.
 */
export const mochaHooks = {
  afterEach: async (): Promise<void> => {
    for (const clean of cleanUps.toReversed()) await clean();
  },
};
