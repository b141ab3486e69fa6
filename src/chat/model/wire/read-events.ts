import type { ModelEvent } from '../chat-model.ts'

/** What was read of an answer and is not taken yet, in its order. */
export interface ReadEvents {
  /** Texts that came at once are told at once: each event of its own would wake all who listen. */
  addText(type: 'text' | 'reasoning', text: string): void
  push(event: ModelEvent): void
  take(): ModelEvent[]
}

/** Nothing at first. */
export function createReadEvents(): ReadEvents {
  let events: ModelEvent[] = []
  const said: { type: 'text' | 'reasoning'; pieces: string[] } = { type: 'text', pieces: [] }

  function addText(type: 'text' | 'reasoning', text: string): void {
    if (said.type !== type) closeText()
    said.type = type
    said.pieces.push(text)
  }

  /** Joined once: a text that grows letter by letter is a tree of its letters, each of which takes 32 bytes. */
  function closeText(): void {
    const [only = ''] = said.pieces
    if (said.pieces.length > 0)
      events.push({ type: said.type, text: said.pieces.length === 1 ? only : said.pieces.join('') })
    said.pieces = []
  }

  function push(event: ModelEvent): void {
    closeText()
    events.push(event)
  }

  function take(): ModelEvent[] {
    closeText()
    const taken = events
    events = []
    return taken
  }

  return { addText, push, take }
}
