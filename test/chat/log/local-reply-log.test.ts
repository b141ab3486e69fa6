import { createLocalReplyLog } from '../../../src/chat/log/local-reply-log.ts'
import { describeReplyLog } from './reply-log-suite.ts'

describeReplyLog('The reply log of one process', async () => {
  const log = createLocalReplyLog()
  return { owner: log, other: log, stop: () => log.close() }
})
