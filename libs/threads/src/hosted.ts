/**
 * An object in this thread or another, which is called by method name. ArgumentsOf and results are
 * plain data, and what the thread's options restore.
 */
export interface Hosted<T> {
  ask<M extends MethodOf<T>>(method: M, ...args: ArgumentsOf<T, M>): Promise<ResultOf<T, M>>;
  /**
   * Calls a method and leaves its result where the object is. If the method fails, calling its
   * result fails with the same error.
   */
  keep<M extends MethodOf<T>>(method: M, ...args: ArgumentsOf<T, M>): Hosted<ResultOf<T, M>>;
  /** Releases the object. It cannot be used afterwards. */
  drop(): void;
}

type Called = (...args: never[]) => unknown;
export type MethodOf<T> = { [M in keyof T]: T[M] extends Called ? M : never }[keyof T];
export type ArgumentsOf<T, M extends MethodOf<T>> = T[M] extends (...args: infer A) => unknown
  ? A
  : never;
export type ResultOf<T, M extends MethodOf<T>> = T[M] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/** Hosts an object in this thread. */
export function hostHere<T>(object: T | Promise<T>): Hosted<T> {
  const call = async <M extends MethodOf<T>>(method: M, args: ArgumentsOf<T, M>) => {
    const target = await object;
    type Bound = (this: T, ...args: ArgumentsOf<T, M>) => Promise<ResultOf<T, M>>;
    return Reflect.apply(target[method] as Bound, target, args);
  };
  return {
    ask: (method, ...args) => call(method, args),
    keep: (method, ...args) => {
      const result = call(method, args);
      result.catch(() => undefined);
      return hostHere(result);
    },
    drop: () => undefined,
  };
}
