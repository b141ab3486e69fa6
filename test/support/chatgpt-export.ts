/** A node of a ChatGPT export before its children are known; parents stand before their children. */
export interface ExportedNode {
  id: string
  parent?: string
  message?: object | null
}

export type ExportedConversation = {
  id: string
  title: string
  current_node?: string
  mapping: Record<string, { id: string; parent: string | null; children: string[]; message: object | null }>
}

/** A conversation as ChatGPT's `conversations.json` has it. */
export function exportedConversation(
  nodes: readonly ExportedNode[],
  fields: { id?: string; current_node?: string } = {},
): ExportedConversation {
  const mapping: ExportedConversation['mapping'] = {}
  for (const { id, parent, message = null } of nodes) {
    mapping[id] = { id, parent: parent ?? null, children: [], message }
    if (parent !== undefined) mapping[parent]?.children.push(id)
  }
  return { id: 'talk', title: 'A talk', ...fields, mapping }
}

/** A message of one text. */
export function said(role: string, text: string, more: object = {}): object {
  return {
    author: { role, name: null, metadata: {} },
    create_time: 1_722_886_412.25,
    content: { content_type: 'text', parts: [text] },
    status: 'finished_successfully',
    weight: 1,
    recipient: 'all',
    metadata: {},
    ...more,
  }
}

const stopped = { model_slug: 'gpt-4o', finish_details: { type: 'stop', stop_tokens: [200_002] } }
const ran = (text: string) => said('tool', '', { author: tool('python'), content: output(text) })
const code = (text: string) => ({ content_type: 'code', language: 'unknown', response_format_name: null, text })
const output = (text: string) => ({ content_type: 'execution_output', text })
const tool = (name: string) => ({ role: 'tool', name, metadata: {} })
const image = { content_type: 'image_asset_pointer', asset_pointer: 'file-service://file-1', width: 64, height: 64 }

/**
 * A conversation of the kind that people have: the first question edited, its answer regenerated twice, an
 * edit below one of the answers, code that is run, pages that are read, and what the app keeps for itself.
 */
export const EXPORTED_TALK = exportedConversation(
  [
    { id: 'root' },
    { id: 'hidden', parent: 'root', message: said('system', 'Knowledge cutoff: 2023-10', { weight: 0 }) },
    {
      id: 'settings',
      parent: 'hidden',
      message: said('user', '', {
        content: { content_type: 'user_editable_context', user_profile: 'Ada', user_instructions: 'Be brief.' },
        metadata: { is_visually_hidden_from_conversation: true },
      }),
    },
    { id: 'ask', parent: 'settings', message: said('user', 'How many?') },
    { id: 'answer', parent: 'ask', message: said('assistant', 'Ten.', { metadata: stopped }) },
    { id: 'again', parent: 'ask', message: said('assistant', 'Eleven.', { metadata: stopped }) },
    { id: 'more', parent: 'again', message: said('user', 'Are you sure?') },
    { id: 'sure', parent: 'more', message: said('assistant', 'Yes.') },
    { id: 'more-edited', parent: 'again', message: said('user', 'Prove it.') },
    {
      id: 'broken',
      parent: 'more-edited',
      message: said('assistant', 'By ind', { metadata: { finish_details: { type: 'interrupted' } } }),
    },
    { id: 'blank', parent: 'more-edited', message: said('assistant', '') },
    { id: 'proof', parent: 'blank', message: said('assistant', 'By induction.') },
    { id: 'third', parent: 'ask', message: said('assistant', 'Twelve.') },
    { id: 'ask-edited', parent: 'settings', message: said('user', 'How many exactly?') },
    {
      id: 'thought',
      parent: 'ask-edited',
      message: said('assistant', '', {
        content: { content_type: 'thoughts', thoughts: [{ summary: 'Counting', content: 'One, two.', chunks: [] }] },
      }),
    },
    { id: 'run', parent: 'thought', message: said('assistant', '', { content: code('n = 42'), recipient: 'python' }) },
    { id: 'ran', parent: 'run', message: ran('') },
    {
      id: 'plot',
      parent: 'ran',
      message: said('tool', '', {
        author: tool('python'),
        content: { content_type: 'multimodal_text', parts: ['A plot.', image] },
      }),
    },
    { id: 'done', parent: 'plot', message: said('assistant', '42.') },
    {
      id: 'look',
      parent: 'thought',
      message: said('assistant', '', { content: code('{"query":"n"}'), recipient: 'browser' }),
    },
    {
      id: 'page',
      parent: 'look',
      message: said('tool', '', {
        author: tool('browser'),
        content: { content_type: 'tether_quote', url: 'https://example.org/n', domain: 'example.org', text: 'n is 43' },
        metadata: { is_visually_hidden_from_conversation: true },
      }),
    },
    { id: 'found', parent: 'page', message: said('assistant', '43.') },
    { id: 'dropped', parent: 'thought', message: said('assistant', 'n = 44', { recipient: 'python' }) },
  ],
  { current_node: 'found' },
)
