import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { describeHistory } from '../history-suite.ts'
import { openDatabase } from './mongo-database.ts'

describeHistory('the history in MongoDB', async (now) =>
  createMongoHistory(await openDatabase('history-suite'), { now }),
)
