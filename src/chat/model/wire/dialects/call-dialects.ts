import type { TreatedDialect } from './dialect.ts'

/** How the pieces of calls belong together. */
export const CALL_ASSEMBLY: readonly TreatedDialect[] = [
  {
    odd: 'Several whole calls at one index or without one, with ids or without.',
    seen: ['Ollama'],
    reads: 'a call each',
    cases: ['C15.a', 'C15.b', 'C15.d', 'C16.l'],
    by: ['wire/tool-call-assembly.ts', 'beginsAnother'],
  },
  {
    odd: 'Indexes that begin at one, are texts, or are others than that of the first piece.',
    seen: ['Claude', 'SGLang'],
    reads: 'the call that has begun',
    cases: ['C15.g', 'C15.i', 'C15.j'],
    by: ['wire/tool-call-assembly.ts', 'callOf'],
  },
  {
    odd: 'Pieces without indexes and ids, several in an event.',
    seen: ['Kimi'],
    reads: 'calls by their places',
    cases: ['C15.k'],
    by: ['wire/tool-call-assembly.ts', 'callOf'],
  },
  {
    odd: 'Arguments that come again at the end, grow from piece to piece, or begin with an empty object.',
    seen: [],
    reads: 'what is whole',
    cases: ['C16.a', 'C16.b', 'C16.c', 'C16.e', 'C16.f', 'C16.j'],
    by: ['wire/tool-call-assembly.ts', 'argumentsOf'],
  },
  {
    odd: 'Calls in messages: all of them again, perhaps with more, or pieces of them.',
    seen: [],
    reads: 'each call once',
    cases: ['D10.k', 'D10.m', 'D10.n', 'D10.o', 'D10.q'],
    by: ['wire/calls-of-message.ts', 'readCallsOfMessage'],
  },
  {
    odd: 'A whole call that comes twice.',
    seen: [],
    reads: 'one call',
    cases: ['C16.d'],
    by: ['wire/tool-call-assembly.ts', 'addPiece'],
  },
  {
    odd: 'Id and name in every piece, or a name that is cut.',
    seen: [],
    reads: 'one call',
    cases: ['C18.c'],
    by: ['wire/tool-call-assembly.ts', 'joinName'],
  },
  {
    odd: 'Empty lists of calls, calls that are null, have no function, no arguments or no name.',
    seen: ['vLLM', 'OpenRouter', 'Snowflake Cortex'],
    reads: 'what they have',
    cases: ['C18.e', 'C18.g', 'C18.k', 'C18.l', 'C18.m', 'C18.n'],
    by: ['wire/delta-fields.ts', 'addCall'],
  },
  {
    odd: 'A call that the limit or the window cut off.',
    seen: [],
    reads: 'nothing: it is not offered',
    cases: ['C06.n', 'C19.a', 'C29.e'],
    by: ['wire/tool-call-assembly.ts', 'finish'],
  },
  {
    odd: 'One id for two calls of an answer.',
    seen: [],
    reads: 'an id by its place for the second',
    cases: ['C17.b'],
    by: ['wire/tool-call-assembly.ts', 'toPart'],
  },
]
