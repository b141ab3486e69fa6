import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { openContextResolvers, TYPE_DEFS } from './context-resolvers.ts'

/** Apollo Server on its standalone server, as its documentation begins; PORT and stores as for src/main.ts. */
const server = new ApolloServer({ typeDefs: TYPE_DEFS, resolvers: await openContextResolvers() })
await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: Number(process.env.PORT) } })
