/**
 * Runs tasks at most `size` at a time, started in their order.
 * @returns the promises of their results; after one has failed no further one is started, and those fail likewise
 */
export function inPool<T>(tasks: readonly (() => Promise<T>)[], size: number): Promise<T>[] {
  let failure: { readonly error: unknown } | undefined;
  const free: (() => void)[] = [];
  let running = 0;
  const run = async (task: () => Promise<T>): Promise<T> => {
    if (running >= size) await new Promise<void>((resolve) => free.push(resolve));
    else running++;
    try {
      if (failure) throw failure.error;
      return await task();
    } catch (error) {
      failure ??= { error };
      throw error;
    } finally {
      const next = free.shift();
      if (next) next();
      else running--;
    }
  };
  return tasks.map(run);
}
