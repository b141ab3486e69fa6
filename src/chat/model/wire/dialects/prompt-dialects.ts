import type { TreatedDialect } from './dialect.ts'

/** What servers refuse in a prompt, and how they are asked then. */
export const PROMPTS: readonly TreatedDialect[] = [
  {
    odd: 'Refuses two questions in a row, and a window that begins with an answer; some with status 500.',
    seen: ['vLLM', 'llama.cpp', 'Mistral'],
    reads: 'turns that alternate',
    cases: ['C28.a', 'C28.b', 'C28.d'],
    by: ['prompt-turns.ts', 'alternateTurns'],
  },
  {
    odd: 'Refuses a system message anywhere but at the beginning.',
    seen: ['Qwen', 'vLLM', 'llama.cpp', 'LM Studio'],
    reads: 'all instructions there',
    cases: ['C28.f', 'C28.g'],
    by: ['prompt-turns.ts', 'putSystemFirst'],
  },
  {
    odd: 'Refuses the role developer.',
    seen: [],
    reads: 'system',
    cases: ['C27.a', 'C27.b'],
    by: ['prompt-forms.ts', 'withoutDeveloper'],
  },
  {
    odd: 'Refuses the names of authors.',
    seen: ['Mistral', 'vLLM'],
    reads: 'no names',
    cases: ['C27.c'],
    by: ['prompt-forms.ts', 'promptFormsFor'],
  },
  {
    odd: 'Refuses ids of calls that are not nine letters or digits.',
    seen: ['Mistral'],
    reads: 'ids of nine',
    cases: ['C26.a'],
    by: ['prompt-ids.ts', 'shortenIds'],
  },
  {
    odd: 'Gives ids that were there in turns before, or none.',
    seen: ['Kimi', 'Gemini', 'llama.cpp'],
    reads: 'ids that are there once',
    cases: ['C17.a', 'C17.d'],
    by: ['../tool-answers.ts', 'createUniqueIds'],
  },
  {
    odd: 'Refuses messages that are empty or blank.',
    seen: ['Kimi', 'GLM', 'Claude'],
    reads: 'nothing: they are left out, results read `[empty result]`',
    cases: ['C29.a', 'C29.b', 'C29.c'],
    by: ['../chat-messages.ts', 'saysSomething'],
  },
  {
    odd: 'Wants its signature back with each call.',
    seen: ['Gemini'],
    reads: 'the signature, also after a restart',
    cases: ['C23.a', 'C23.b', 'C23.c'],
    by: ['../chat-messages.ts', 'stateOf'],
  },
  {
    odd: 'Wants the reasoning before a call back, and an empty one where nothing was thought; others refuse it.',
    seen: ['DeepSeek', 'Kimi', 'Groq'],
    reads: 'the reasoning, to the model that gave it',
    cases: ['C24.a', 'C24.b', 'C24.d', 'C24.e'],
    by: ['../chat-messages.ts', 'messageState'],
  },
  {
    odd: 'Wants no thoughts back that stood in tags.',
    seen: ['Qwen', 'DeepSeek'],
    reads: 'the answer without them',
    cases: ['C21.a', 'C21.b', 'C21.c'],
    by: ['../chat-messages.ts', 'withoutThoughts'],
  },
  {
    odd: 'Refuses a prompt that its window cannot hold.',
    seen: [],
    reads: 'a failure with the numbers that it gives',
    cases: ['C30.a'],
    by: ['openai-error.ts', 'rejection'],
  },
]
