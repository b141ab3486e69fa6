import { parseArgs } from 'node:util'

/** What `npm start -- --help` prints. */
export const USAGE = `Usage: npm start

Starts the server, with GraphiQL at http://127.0.0.1:4000/graphql. Everything is set by environment variables, and with
none of them set it keeps its history in ./data and answers with a demo model. The most usual ones:
  PORT                        where it listens; 4000 when absent
  MONGODB_URL, DATA_DIR       the history: MongoDB, or else SQLite in that folder
  REDIS_URL                   the cache that several nodes share; in the process when absent
  OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL
                              the model: OpenAI, or any server of the chat completions API
  LOG_LEVEL                   debug, info, warn or error
The README lists all of them. Ctrl+C stops it.

Other commands: npm run import -- --help, npm run export -- --help.`

/** What the command line asks for, or why it cannot be used, for people. */
type StartWish = { type: 'START' } | { type: 'HELP' } | { type: 'REFUSED'; fault: string }

/** Reads the arguments of the program, of which there are none but `--help`. */
export function readStartArguments(args: string[]): StartWish {
  try {
    const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } })
    return { type: values.help ? 'HELP' : 'START' }
  } catch {
    const [given = ''] = args.filter((arg) => arg !== '--help' && arg !== '-h')
    const name = given.split('=', 1)[0] ?? ''
    return { type: 'REFUSED', fault: `${JSON.stringify(name)} is no argument: settings are variables. See --help.` }
  }
}
