import type { ChatModel, ModelEvent } from '../../src/chat/model/chat-model.ts'

/** A model whose calls all say the same at the same time, when the test says so. */
export interface ChoirModel extends ChatModel {
  /** What all calls that run say now; those that begin later say what comes later. */
  emit(event: ModelEvent): void
}

interface Verse {
  emitted: Promise<{ event: ModelEvent; next: Verse }>
  emit(emitted: { event: ModelEvent; next: Verse }): void
}

/** Costs a call nothing but a promise: a thousand of them leave the memory to what is measured. */
export function createChoirModel(): ChoirModel {
  let last = createVerse()
  return {
    defaultModel: 'choir',
    emit(event) {
      const next = createVerse()
      last.emit({ event, next })
      last = next
    },
    async *stream(_, signal) {
      for (let verse = last; !signal.aborted; ) {
        const { event, next } = await verse.emitted
        yield event
        if (event.type === 'finish') return
        verse = next
      }
    },
  }
}

function createVerse(): Verse {
  const { promise, resolve } = Promise.withResolvers<{ event: ModelEvent; next: Verse }>()
  return { emitted: promise, emit: resolve }
}
