/** What is done after every test of a process, whichever file it is in, the last added first: nothing that it started or wrote outlives it. */
export const afterwards: (() => Promise<void>)[] = [];

/** For mocha's `require`: hooks of files hold for the first file of a process alone, as Node.js loads what they import once. */
export const mochaHooks = {
  afterEach: async (): Promise<void> => {
    for (const clean of afterwards.toReversed()) await clean();
  },
};
