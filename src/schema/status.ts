import { builder } from './builder.ts'

/**
 * Of messages and of replies: one type, since a client selects both `status` fields together (`node`, `nodes`),
 * and GraphQL refuses one field name with two types.
 */
export const StatusRef = builder.enumType('Status', {
  description: 'How far a reply is, or whether a message is all that it was meant to be.',
  values: {
    QUEUED: { description: 'A reply that waits until those before it have ended.' },
    RUNNING: { description: 'A reply whose model is at work.' },
    COMPLETED: { description: 'A reply whose model has said all that it wanted to.' },
    REJECTED: { description: 'A reply that was never begun: nothing of it is stored.' },
    COMPLETE: { description: 'A message that is all that it was meant to be.' },
    INTERRUPTED: { description: 'A reply that was stopped, or its message: what had been written by then is stored.' },
    FAILED: { description: 'The model, or we, failed: what had been written by then is stored.' },
    REDACTED: { description: 'A message whose content was removed; the place and the token count remain.' },
  } as const,
})
