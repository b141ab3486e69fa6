import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { appendOptimistically } from '../optimistic-append.ts'

/** A process of its own: opens the file and appends as several writers at once. Arguments: file, conversation, name, writers, messages. */
const [path = '', conversationId = '', name, writers, messages] = process.argv.slice(2)
const history = createSqliteHistory(path)
await history.prepare()
const names = Array.from({ length: Number(writers) }, (_, index) => `${name}.${index}`)
await Promise.all(names.map((each) => appendOptimistically(history, conversationId, each, Number(messages))))
await history.close()
