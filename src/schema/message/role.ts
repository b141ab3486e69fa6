import { builder } from '../builder.ts'

/** The roles, in output and input. */
export const RoleRef = builder.enumType('Role', {
  description: 'Who speaks, by the names of the chat completions API.',
  values: {
    SYSTEM: { description: 'Instructions of the application.' },
    DEVELOPER: { description: 'Instructions of the application, as newer models name them.' },
    USER: { description: 'The person.' },
    ASSISTANT: { description: 'The model.' },
    TOOL: { description: 'A tool that the model called: each part is the result of one call.' },
  } as const,
})
