import { createLog } from '../../../../src/log.ts'
import { openHistory } from '../../../../src/open-history.ts'

/** A process of its own that holds the database of a directory as a server does. Argument: the directory. */
const [dataDir = ''] = process.argv.slice(2)
const { history } = await openHistory({ dataDir }, createLog('warn', 2), 'SERVER')
await history.prepare()
process.stdout.write('holds it\n')
setInterval(() => {}, 60_000)
