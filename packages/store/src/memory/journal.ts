/**
 * Maps whose changes can be taken back: what the memory store has instead of a write-ahead log.
 * @module
 */

/** Remembers how to undo each change while a transaction is open. */
export interface Journal {
  note(undo: () => void): void
  begin(): void
  /** Keeps the changes. */
  commit(): void
  /** Takes them back, the last one first. */
  rollback(): void
}

export function createJournal(): Journal {
  let undos: (() => void)[] | null = null
  return {
    note: (undo) => undos?.push(undo),
    begin: () => {
      undos = []
    },
    commit: () => {
      undos = null
    },
    rollback: () => {
      const taken = undos ?? []
      undos = null
      for (const undo of taken.reverse()) undo()
    },
  }
}

export interface UndoableMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  entries(): IterableIterator<[string, V]>
}

/** Values must not be changed in place, else a rollback brings back the changed ones. */
export function undoableMap<V>(journal: Journal): UndoableMap<V> {
  const map = new Map<string, V>()
  function restore(key: string): () => void {
    const before = map.get(key)
    return before === undefined ? () => map.delete(key) : () => map.set(key, before)
  }
  return {
    get: (key) => map.get(key),
    set: (key, value) => {
      journal.note(restore(key))
      map.set(key, value)
    },
    delete: (key) => {
      journal.note(restore(key))
      map.delete(key)
    },
    entries: () => map.entries(),
  }
}

/** Joins encoded keys into one that no other list of keys gives: NUL cannot stand in an encoded key. */
export function joined(...keys: readonly string[]): string {
  return keys.join('\u0000')
}
