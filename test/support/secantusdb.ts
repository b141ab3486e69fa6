import { join } from 'node:path'
import type { Provision } from './provision.ts'
import { ensureVenv, missingForVenv } from './python-venv.ts'

const version = '0.7.0b3'

/** SecantusDB speaks MongoDB's protocol over WiredTiger: a beta, used as a separate process and only for tests. */
export const secantusdbName = `secantusdb ${version}`

const venv = {
  name: `secantusdb-${version}`,
  pip: [`secantusdb==${version}`],
  advice: 'mongod on the PATH, or Docker, or Python 3.10 or newer with its venv module',
}

/** What `findSecantusdb` installs. */
export async function planSecantusdb(): Promise<Provision> {
  return { source: secantusdbName, advice: venv.advice, ...(await missingForVenv(venv)) }
}

/** The server's program, installed from PyPI into a virtualenv of the repository's cache if it is not there yet. */
export async function findSecantusdb(): Promise<string> {
  return join(await ensureVenv(venv), 'secantusd-py')
}
