/**
 * An object in this thread or another, which is called by method name. Arguments and results are
 * plain data, and what the thread's options restore.
 */
export interface Hosted<T> {
  ask<M extends Method<T>>(method: M, ...args: Arguments<T, M>): Promise<Result<T, M>>;
  /**
   * Calls a method and leaves its result where the object is. If the method fails, calling its
   * result fails with the same error.
   */
  keep<M extends Method<T>>(method: M, ...args: Arguments<T, M>): Hosted<Result<T, M>>;
  /** Releases the object. It cannot be used afterwards. */
  drop(): void;
}

type Called = (...args: never[]) => unknown;
export type Method<T> = { [M in keyof T]: T[M] extends Called ? M : never }[keyof T];
export type Arguments<T, M extends Method<T>> = T[M] extends (...args: infer A) => unknown
  ? A
  : never;
export type Result<T, M extends Method<T>> = T[M] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/** Hosts an object in this thread. */
export function hostHere<T>(object: T | Promise<T>): Hosted<T> {
  const call = async <M extends Method<T>>(method: M, args: Arguments<T, M>) => {
    const target = await object;
    type Bound = (this: T, ...args: Arguments<T, M>) => Promise<Result<T, M>>;
    return (target[method] as Bound).apply(target, args);
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
