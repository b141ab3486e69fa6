import { beforeAll, describe } from 'vitest'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { describeReplyChanges } from './reply-changes.ts'
import { describeReplyClaims } from './reply-claims.ts'
import { describeReplyLookups } from './reply-lookups.ts'

/** What a case gets. */
export interface RecordsUnderTest {
  records: ReplyRecords
}

/** One suite for every store of replies: `create` gives an empty one. */
export function describeReplyRecords(name: string, create: () => Promise<ReplyRecords>): void {
  describe(name, () => {
    const subject = {} as RecordsUnderTest

    beforeAll(async () => {
      subject.records = await create()
      await subject.records.prepare()
      await subject.records.prepare()
    })

    describeReplyClaims(subject)
    describeReplyChanges(subject)
    describeReplyLookups(subject)
  })
}
