import { makeServiceKey } from '../access/service-keys.ts'

const HELP = `Usage: npm run service-key -- NAME

Makes a key for a back end of that name, of letters, digits, _ and -. The key is printed once and kept nowhere: give it
to the back end, which sends it as "authorization: Bearer KEY" and names the owner it acts for in x-backscroll-owner.
The other line belongs into SERVICE_KEYS, behind a comma where there are others. A key that is taken out of SERVICE_KEYS
is worth nothing once every server is started anew.`

const [, , name = '--help', ...more] = process.argv
const made = more.length === 0 ? makeServiceKey(name) : undefined
if (made !== undefined) {
  console.error('The key, which is shown this once:')
  console.log(made.key)
  console.error('What SERVICE_KEYS has of it:')
  console.log(made.entry)
} else {
  const isHelp = name === '--help' || name === '-h'
  console[isHelp ? 'log' : 'error'](isHelp ? HELP : `Give one NAME of letters, digits, _ and -, at most 64.\n\n${HELP}`)
  process.exitCode = isHelp ? 0 : 2
}
