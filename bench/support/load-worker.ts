import { parentPort, workerData } from 'node:worker_threads'
import { createHttpLoad, type LoadRequest } from './http-load.ts'

/** What is asked, each by so many clients, and how often in one burst. */
export interface LoadOrders {
  requests: LoadRequest[]
  clients: number
  burst: number
}

/**
 * Loads on a thread of their own, so that the main thread's processor time is the servers' alone. Says so when it
 * is ready, then sends a burst of the request whose place it is told, and says when that is answered.
 */
const { requests, clients, burst } = workerData as LoadOrders
const loads = await Promise.all(requests.map((request) => createHttpLoad(request, clients)))
// A burst that fails ends the thread with its error, which whoever waits for an answer gets.
parentPort?.on('message', (place: number) => void send(place))
parentPort?.postMessage('ready')

async function send(place: number): Promise<void> {
  await loads[place]?.run(burst)
  parentPort?.postMessage('answered')
}
