import { CHATGPT } from '../../src/transfer/chatgpt/chatgpt-conversation.ts'
import type { FileConversation } from '../../src/transfer/file-conversation.ts'
import { createNotes, type Note } from '../../src/transfer/notes.ts'

/** What is read of a conversation of a ChatGPT export, and what is noted meanwhile. */
export function decodeTalk(talk: object, notes: Note[] = []): FileConversation {
  return CHATGPT.decode(talk, { notes: createNotes(notes), limits: { maxMessageBytes: 1_048_576 } })
}
