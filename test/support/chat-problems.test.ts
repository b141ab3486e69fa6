import { expect, test } from 'vitest'
import { chatProblems } from './chat-problems.ts'

const user = { role: 'user', content: 'hi' }
const calls = (...ids: string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map((id) => callOf({ id })) })
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'x' })

test('a conversation with parallel calls, also under ids of before, has no problem', () => {
  const turn = [calls('a', 'b'), result('a'), result('b')]
  expect(chatProblems([{ role: 'system', content: '' }, user, ...turn, { ...user, name: 'Ann' }, ...turn])).toEqual([])
})

test.each<[string, object[]]>([
  ['a result without a call', [user, result('a')]],
  ['a result behind another message', [calls('a'), user, result('a')]],
  ['a second result', [calls('a'), result('a'), result('a')]],
  ['results in another order', [calls('a', 'b'), result('b'), result('a')]],
  ['a call without a result', [calls('a', 'b'), result('a'), user]],
  ['a last call without a result', [user, calls('a')]],
  ['two calls of one id', [calls('a', 'a'), result('a'), result('a')]],
  ['no calls in a list', [{ ...calls(), content: '' }]],
  ['no content without calls', [{ role: 'assistant', content: null }]],
  ['no content of a user', [{ role: 'user', content: null }]],
  ['an unknown role', [{ role: 'USER', content: 'hi' }]],
  ['an unknown field', [{ ...user, parts: [] }]],
  ['a name with a space', [{ ...user, name: 'Ann B' }]],
  ['arguments that are no text', [{ ...calls(), tool_calls: [callOf({ arguments: {} })] }, result('a')]],
  ['arguments that break off', [{ ...calls(), tool_calls: [callOf({ arguments: '{' })] }, result('a')]],
  ['a tool name with a space', [{ ...calls(), tool_calls: [callOf({ name: 'my tool' })] }, result('a')]],
])('%s is a problem', (_, messages) => {
  expect(chatProblems(messages)).not.toEqual([])
})

function callOf({ id = 'a', name = 'f', arguments: text = '{}' }: { id?: string; name?: string; arguments?: unknown }) {
  return { id, type: 'function', function: { name, arguments: text } }
}
