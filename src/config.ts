/** Every setting; names, defaults and units as in the README's table. */
export interface Config {
  host: string
  port: number
  dataDir: string
  mongodbUrl?: string
  /** One URL, or several for a cluster. */
  redisUrls: string[]
  maxContextTokens: number
  maxMessageBytes: number
  cacheTailTokens: number
  cacheTtlSeconds: number
  redisCommandTimeoutMs: number
  shutdownDeadlineMs: number
}
