import type { TreatedDialect } from './dialect.ts'

/** What lies between the bytes and one JSON value. */
export const FRAMING: readonly TreatedDialect[] = [
  {
    odd: 'Events with empty data, with any line end.',
    seen: [],
    reads: 'nothing',
    cases: ['C01.a', 'C01.b', 'C01.d', 'C01.f'],
    by: ['wire/wire-reader.ts', 'takeData'],
  },
  {
    odd: 'Blocks with a comment or a control field alone.',
    seen: ['OpenRouter', 'DeepSeek'],
    reads: 'a sign of life',
    cases: ['C02.a', 'C20.a'],
    by: ['wire/wire-reader.ts', 'takeLine'],
  },
  {
    odd: 'One line break between events and no blank line, also before `[DONE]` and errors.',
    seen: [],
    reads: 'events of their own',
    cases: ['C03.a', 'C03.b', 'C03.c', 'C03.f', 'C03.g'],
    by: ['wire/wire-reader.ts', 'release'],
  },
  {
    odd: 'One JSON text over several data lines.',
    seen: [],
    reads: 'one event',
    cases: ['C03.d'],
    by: ['wire/wire-reader.ts', 'takeJson'],
  },
  {
    odd: 'A byte order mark, no space behind the colon, CRLF, no blank line at the end.',
    seen: [],
    reads: 'events',
    cases: ['C04.a'],
    by: ['wire/wire-reader.ts', 'feed'],
  },
  {
    odd: 'An error in a line of its own name, `error:`.',
    seen: ['llama.cpp'],
    reads: 'an error',
    cases: ['C07.t1'],
    by: ['wire/wire-reader.ts', 'takeErrorLine'],
  },
  {
    odd: 'JSON in place of a stream, by either content type: a completion or an error.',
    seen: [],
    reads: 'as one event',
    cases: ['C08.a', 'C08.c', 'C08.d', 'C08.e', 'C08.g'],
    by: ['wire/wire-reader.ts', 'takeOtherLine'],
  },
]

/** Which of the events and choices are ours, and where an answer ends. */
export const ENDS: readonly TreatedDialect[] = [
  {
    odd: 'A whole message in place of a delta.',
    seen: [],
    reads: 'all that it says',
    cases: ['C08.b', 'C08.i'],
    by: ['wire/answer-reader.ts', 'readText'],
  },
  {
    odd: 'A whole message behind the deltas that says it all again.',
    seen: [],
    reads: 'what was not said before',
    cases: ['C11.a'],
    by: ['wire/said-text.ts', 'behind'],
  },
  {
    odd: 'Events without choices; choices without a delta, or whose index is a text.',
    seen: ['Azure OpenAI'],
    reads: 'what they have',
    cases: ['C14.a', 'C18.i'],
    by: ['wire/own-choice.ts', 'piecesIn'],
  },
  {
    odd: '`[DONE]` without a finish reason, or with an empty one.',
    seen: ['Snowflake Cortex'],
    reads: 'STOP, where something was said and no call is cut',
    cases: ['C05.a', 'C05.b', 'C05.e', 'C05.f', 'C05.i'],
    by: ['wire/answer-reader.ts', 'endWithDone'],
  },
  {
    odd: 'The body ends with neither `[DONE]` nor a finish reason.',
    seen: [],
    reads: 'broken off',
    cases: ['C05.c', 'C05.d', 'C05.h'],
    by: ['wire/answer-reader.ts', 'end'],
  },
  {
    odd: 'Text and usage behind the finish reason; an error there undoes nothing.',
    seen: [],
    reads: 'text, usage',
    cases: ['C12.a', 'C07.q'],
    by: ['model-call.ts', 'consume'],
  },
  {
    odd: 'A native finish reason that tells of a failure behind a good one.',
    seen: ['OpenRouter'],
    reads: 'FAILURE',
    cases: ['C06.h'],
    by: ['wire/answer-reader.ts', 'readFinish'],
  },
  {
    odd: 'Nothing: an empty body, comments, `[DONE]` alone, a role alone, a cut behind the headers.',
    seen: [],
    reads: 'a failure, and asked again',
    cases: ['C09.a', 'C09.b', 'C09.c', 'C09.d', 'C09.e', 'C09.f', 'C06.p', 'C07.n'],
    by: ['wire/answer-reader.ts', 'checkContent'],
  },
  {
    odd: 'Long silence but for comments, or for thoughts, also such as nobody can read.',
    seen: ['DeepSeek', 'OpenRouter'],
    reads: 'a sign of life; silence without one is a timeout',
    cases: ['C20.a', 'C20.b', 'C20.c1', 'C20.c3', 'C20.d', 'C20.i'],
    by: ['wire/answer-reader.ts', 'takeEvents'],
  },
  {
    odd: 'An error as the event itself or by the name of the event.',
    seen: ['Claude', 'vLLM', 'llama.cpp'],
    reads: 'an error',
    cases: ['C07.g1', 'C07.g2', 'C07.c1', 'C07.c2'],
    by: ['wire/provider-error.ts', 'errorIn'],
  },
]
