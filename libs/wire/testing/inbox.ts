/** Holds what has arrived until a test reads it. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #onItem: () => void = () => undefined;

  /** The number of items that `next` has not returned yet. */
  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#onItem();
  }

  /** Resolves to the next item, once it has arrived. */
  async next(): Promise<T> {
    while (this.#items.length === 0) {
      await new Promise<void>((resolve) => (this.#onItem = resolve));
    }
    return this.#items.shift() as T;
  }
}
