import { fastify } from 'fastify'
import { mercurius } from 'mercurius'
import { openContextResolvers, TYPE_DEFS } from './context-resolvers.ts'

/** Mercurius on Fastify with its JIT from the first request on; PORT and stores as for src/main.ts. */
const app = fastify()
await app.register(mercurius, { schema: TYPE_DEFS, resolvers: await openContextResolvers(), jit: 1 })
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
