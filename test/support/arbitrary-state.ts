import fc from 'fast-check'
import type { NewConversation } from '../../src/memory/conversation.ts'
import { createReplyId } from '../../src/memory/ids.ts'
import type { Memory } from '../../src/memory/memory.ts'
import type { Message, MessageDraft } from '../../src/memory/message.ts'
import { arbitraryMessage } from './arbitrary-conversation.ts'

type Key = 'NONE' | 'CLIENT' | 'REPLY'

/** What happens to a conversation; `at` picks one of its messages. */
type Step =
  | { type: 'APPEND'; draft: MessageDraft; key: Key }
  | { type: 'EMPTY_REPLY'; status: 'FAILED' | 'INTERRUPTED' | 'COMPLETE' }
  | { type: 'REPLACE'; at: number; draft: MessageDraft; key: Key }
  | { type: 'SELECT'; at: number }
  | { type: 'REDACT'; at: number }
  | { type: 'METADATA'; at: number; metadata: { rating: number } | null }

/** A conversation as people and models leave it. */
export interface ConversationState {
  settings: NewConversation
  isArchived: boolean
  steps: Step[]
}

const OWNER = 'local'

/** Conversations in every state that a server leaves them in. */
export function arbitraryConversations({ minLength = 0, minSteps = 0 } = {}): fc.Arbitrary<ConversationState[]> {
  const at = fc.nat({ max: 30 })
  const draft = arbitraryMessage()
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('APPEND' as const), draft, key: keys }) },
    fc.record({
      type: fc.constant('EMPTY_REPLY' as const),
      status: fc.constantFrom('FAILED', 'INTERRUPTED', 'COMPLETE'),
    }),
    { weight: 3, arbitrary: fc.record({ type: fc.constant('REPLACE' as const), at, draft, key: keys }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('SELECT' as const, 'REDACT' as const), at }) },
    fc.record({ type: fc.constant('METADATA' as const), at, metadata: fc.constantFrom({ rating: 1 }, null) }),
  )
  const state = fc.record({
    settings,
    isArchived: fc.boolean(),
    steps: fc.array(step as fc.Arbitrary<Step>, { minLength: minSteps, maxLength: 12 }),
  })
  return fc.uniqueArray(state, {
    minLength,
    maxLength: 3,
    selector: ({ settings: { externalId } }) => externalId ?? {},
  })
}

const keys = fc.constantFrom('NONE' as const, 'CLIENT' as const, 'REPLY' as const)
const settings: fc.Arbitrary<NewConversation> = fc.record(
  {
    externalId: fc.constantFrom('ticket-17', 'import:17', 'chatgpt:a'),
    title: fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
    model: fc.constant('some-model'),
    instructions: fc.constant('Be brief.'),
    encoding: fc.constantFrom('cl100k_base', 'o200k_base'),
    metadata: fc.constantFrom({ team: 'blue', rank: 3 }, {}),
    expiresAt: fc.constant(Date.UTC(9000, 0)),
  },
  { requiredKeys: [] },
)

/** Makes the conversation with the calls that the server makes. */
export async function storeState(
  memory: Memory,
  { settings: given, isArchived, steps }: ConversationState,
): Promise<void> {
  const { conversation } = await memory.createConversation(OWNER, given, 'FAIL')
  const { id } = conversation
  const stored: Message[] = []
  const append = async (draft: MessageDraft, replaces?: string) => {
    const { messages } = await memory.appendDrafts(OWNER, id, [draft], replaces === undefined ? {} : { replaces })
    stored.push(...messages)
  }
  for (const [index, step] of steps.entries()) {
    const message = 'at' in step ? stored[step.at % stored.length] : undefined
    if (step.type === 'APPEND') await append(withKey(step.draft, step.key, index, id, stored.at(-1)))
    else if (step.type === 'EMPTY_REPLY') {
      const reply: MessageDraft = { role: 'ASSISTANT', status: step.status, parts: [], createdAt: 1_700_000_000_000 }
      await append({ ...reply, replyId: createReplyId(id), model: 'some-model' })
    } else if (message === undefined) continue
    else if (step.type === 'REPLACE') await append(withKey(step.draft, step.key, index, id, message), message.id)
    else if (step.type === 'SELECT') await memory.selectVersion(OWNER, message.id)
    else if (step.type === 'REDACT') await memory.redactMessage(OWNER, message.id)
    else await memory.updateMessage(OWNER, message.id, step.metadata)
  }
  if (isArchived) await memory.updateConversation(OWNER, id, { archivedAt: Date.now() })
}

function withKey(
  draft: MessageDraft,
  key: Key,
  index: number,
  conversationId: string,
  before: Message | undefined,
): MessageDraft {
  if (key === 'CLIENT') return { ...draft, clientMessageId: `m-${index}` }
  if (key === 'NONE') return draft
  return { ...draft, replyId: createReplyId(conversationId), ...(before && { replyTo: before.id }) }
}
