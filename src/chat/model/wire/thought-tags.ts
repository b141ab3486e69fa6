import { THOUGHT_TAGS } from './dialects/delta-dialects.ts'
import { namesOf } from './dialects/dialect.ts'

/** What a model says, with what it thinks apart. */
export interface ThoughtTags {
  push(text: string): void
  /** Nothing more comes. */
  flush(): void
}

const TAGS = namesOf(THOUGHT_TAGS, 'reasoning').map((name) => [`<${name}>`, `</${name}>`] as const)

type Emit = (type: 'text' | 'reasoning', text: string) => void

/**
 * Takes thoughts in tags out of a text that begins with them, as models write that think without a field for it (Qwen,
 * DeepSeek R1 on Ollama and llama.cpp). Tags anywhere else are what is said.
 */
export function createThoughtTags(emit: Emit): ThoughtTags {
  let held = ''
  let close = ''
  let state: 'BEGIN' | 'THOUGHT' | 'BEHIND' | 'TEXT' = 'BEGIN'

  function pass(type: 'text' | 'reasoning', text: string): void {
    if (text !== '') emit(type, text)
  }

  function push(text: string): void {
    if (state === 'TEXT') pass('text', text)
    else if (state === 'BEGIN') begin(held + text)
    else if (state === 'THOUGHT') think(held + text)
    else endThought(text)
  }

  function begin(text: string): void {
    const said = text.trimStart()
    const tag = TAGS.find(([open]) => said.startsWith(open))
    held = ''
    if (tag) {
      state = 'THOUGHT'
      close = tag[1]
      think(said.slice(tag[0].length))
    } else if (text.length < MAX_HELD && TAGS.some(([open]) => open.startsWith(said))) held = text
    else {
      state = 'TEXT'
      pass('text', text)
    }
  }

  function think(text: string): void {
    const end = text.indexOf(close)
    const kept = end < 0 ? endOfTag(text, close) : 0
    const thought = end < 0 ? text.length - kept : end
    held = text.slice(text.length - kept)
    pass('reasoning', text.slice(0, thought))
    if (end < 0) return
    state = 'BEHIND'
    endThought(text.slice(end + close.length))
  }

  /** What stands between the thought and the answer belongs to neither. */
  function endThought(text: string): void {
    const said = text.trimStart()
    if (said === '') return
    state = 'TEXT'
    pass('text', said)
  }

  function flush(): void {
    pass(state === 'THOUGHT' ? 'reasoning' : 'text', held)
    held = ''
  }

  return { push, flush }
}

/** Blanks before a tag are few. */
const MAX_HELD = 256

/** How much of the end of a text may be the beginning of the tag. */
function endOfTag(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (tag.startsWith(text.slice(text.length - length))) return length
  }
  return 0
}
