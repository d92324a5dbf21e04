/**
 * Runs tasks at most `size` at a time, started in their order.
 * @returns the promises of their results; a failed task does not affect the others
 */
export function atATime<T>(tasks: readonly (() => Promise<T>)[], size: number): Promise<T>[] {
  const free: (() => void)[] = [];
  let running = 0;
  const run = async (task: () => Promise<T>): Promise<T> => {
    if (running >= size) await new Promise<void>((resolve) => free.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      const next = free.shift();
      if (next) next();
      else running--;
    }
  };
  return tasks.map(run);
}
