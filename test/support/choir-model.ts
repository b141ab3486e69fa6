import type { ChatModel, ModelEvent } from '../../src/chat/model/chat-model.ts'

/** A model whose calls all say the same at the same time, when the test says so. */
export interface ChoirModel extends ChatModel {
  /** What all calls that run say now; those that begin later say what comes later. */
  say(event: ModelEvent): void
}

interface Verse {
  heard: Promise<{ event: ModelEvent; next: Verse }>
  say(heard: { event: ModelEvent; next: Verse }): void
}

/** Costs a call nothing but a promise: a thousand of them leave the memory to what is measured. */
export function createChoirModel(): ChoirModel {
  let last = createVerse()
  return {
    defaultModel: 'choir',
    say(event) {
      const next = createVerse()
      last.say({ event, next })
      last = next
    },
    async *stream(_, signal) {
      for (let verse = last; !signal.aborted; ) {
        const { event, next } = await verse.heard
        yield event
        if (event.type === 'finish') return
        verse = next
      }
    },
  }
}

function createVerse(): Verse {
  const { promise, resolve } = Promise.withResolvers<{ event: ModelEvent; next: Verse }>()
  return { heard: promise, say: resolve }
}
