import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { type ImportCase, runCase } from './import-case.ts'

/*
 * Files that people brought to this server or to others, cut to what is odd in them, with the outcome that their owners
 * would want. One file of cases for each kind of fault. A user's report becomes a case by copying a part of the file.
 */
const FOLDER = join(import.meta.dirname, 'cases')

for (const file of readdirSync(FOLDER)) {
  const cases = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as ImportCase[]
  describe(file.replace('.json', ''), () => {
    test.each(cases)('$id: $title', (each) => runCase(each))
  })
}
