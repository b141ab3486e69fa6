import { expect, test } from 'vitest'
import { ConversationUnreadableError } from '../src/errors.ts'
import { logUnreadableOnce } from '../src/log-unreadable-once.ts'
import { createKeptLog } from './support/kept-log.ts'

test('an unreadable conversation is one line an hour, whoever meets it', () => {
  const kept = createKeptLog()
  let now = 1_000_000
  const log = logUnreadableOnce(kept, () => now)
  const shown = () => kept.entries.filter(({ level }) => level !== 'debug')
  const read = (id: string) => {
    const err = new ConversationUnreadableError(id, 'heads is nonsense')
    log.error({ err }, 'conversation unreadable')
    log.warn({ err, replyId: 'r' }, 'a reply met a fault')
  }
  const line = (conversationId: string) => ({
    level: 'error',
    fields: { conversationId, reason: 'heads is nonsense' },
    message: 'a conversation cannot be read',
  })
  for (let count = 0; count < 50; count += 1) read('a')
  read('b')
  expect(shown()).toEqual([line('a'), line('b')])
  now += 3_600_000
  read('a')
  expect(shown()).toEqual([line('a'), line('b'), line('a')])
})

test('all else is logged as it is', () => {
  const kept = createKeptLog()
  const log = logUnreadableOnce(kept, Date.now)
  log.info('ready')
  for (let count = 0; count < 2; count += 1) log.warn({ err: new Error('x') }, 'other')
  expect(kept.entries.map(({ level, fields }) => [level, fields])).toEqual([
    ['info', 'ready'],
    ['warn', { err: new Error('x') }],
    ['warn', { err: new Error('x') }],
  ])
})
