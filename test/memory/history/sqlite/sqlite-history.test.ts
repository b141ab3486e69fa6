import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { describeHistory } from '../history-suite.ts'

const directory = mkdtempSync(join(tmpdir(), 'backscroll-sqlite-'))

describeHistory('the history in a SQLite file', async (now) => createSqliteHistory(join(directory, 'new', 'a.db'), now))
describeHistory('the history in memory', async (now) => createSqliteHistory(':memory:', now))

afterAll(() => rmSync(directory, { recursive: true }))
