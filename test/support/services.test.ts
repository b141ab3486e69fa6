import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type Service, startMongodb, startRedis } from './services.ts'

test('the shared Redis answers', async () => {
  const redis = connectRedis(inject('redisUrl'))
  expect(await redis.ping()).toBe('PONG')
})

test('the shared MongoDB answers', async () => {
  const client = connectMongodb(inject('mongodbUrl'))
  expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 })
})

test('a paused Redis does not answer and goes on when it is resumed', async () => {
  const service = await owned(startRedis())
  const redis = connectRedis(service.url)
  await redis.set('a', '1')
  await service.pause()
  await expect(redis.get('a')).rejects.toThrow(/timed out/)
  await service.resume()
  expect(await redis.get('a')).toBe('1')
})

test('a killed Redis comes back empty at the same address', async () => {
  const service = await owned(startRedis())
  await connectRedis(service.url).set('a', '1')
  await service.kill()
  await expect(connectRedis(service.url).get('a')).rejects.toThrow()
  await service.restart()
  expect(await connectRedis(service.url).get('a')).toBeNull()
})

test('a Redis that is told to keep its data has it after a kill', async () => {
  const service = await owned(startRedis(['--appendonly', 'yes', '--appendfsync', 'always']))
  await connectRedis(service.url).set('a', '1')
  await service.restart()
  expect(await connectRedis(service.url).get('a')).toBe('1')
})

test('a killed MongoDB keeps what it acknowledged', async () => {
  const service = await owned(startMongodb())
  const numbers = () => connectMongodb(service.url).db('kept').collection('numbers')
  await numbers().insertOne({ value: 1 }, { writeConcern: { w: 'majority', journal: true } })
  await service.kill()
  await service.restart()
  expect(await numbers().countDocuments({ value: 1 })).toBe(1)
})

test('a stopped server is gone', async () => {
  const service = await startRedis()
  await service.stop()
  await expect(connectRedis(service.url).ping()).rejects.toThrow()
})

test('a server that cannot start says what it printed', async () => {
  await expect(startRedis(['--no-such-setting', '1'])).rejects.toThrow(/no-such-setting/)
})

async function owned(starting: Promise<Service>): Promise<Service> {
  const service = await starting
  onTestFinished(() => service.stop())
  return service
}

function connectRedis(url: string): Redis {
  const redis = new Redis(url, { commandTimeout: 500, maxRetriesPerRequest: 0, retryStrategy: () => null })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

function connectMongodb(url: string): MongoClient {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 })
  onTestFinished(() => client.close())
  return client
}
