import type { ObjectRef } from '@pothos/core'
import { builder } from './builder.ts'
import type { Page } from './page.ts'

type Types = (typeof builder)['$inferSchemaTypes']
type PageInfo = Page<unknown>['pageInfo']

const PageInfoRef = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Where a page of a list stands, by the Relay cursor connections specification.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether more items follow.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'Whether there are items before.' }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'The cursor of the first item, if any.',
    }),
    endCursor: t.exposeString('endCursor', { nullable: true, description: 'The cursor of the last item, if any.' }),
  }),
})

/** The arguments of every list. */
export const pageArguments = builder.args((t) => ({
  first: t.int({ description: 'The first so many items, 0 to 100; 20 when neither `first` nor `last` is given.' }),
  after: t.string({ description: 'Only items after this cursor.' }),
  last: t.int({ description: 'The last so many items, 0 to 100. Not together with `first`.' }),
  before: t.string({ description: 'Only items before this cursor.' }),
}))

/** The connection and edge types of a list of `node`: `<name>Connection` and `<name>Edge`. */
export function connectionOf<T>(name: string, node: ObjectRef<Types, T>) {
  // Pothos resolves the type of a resolver's result only where it knows that of the field.
  const type: ObjectRef<Types, unknown> = node
  const edge = builder.objectRef<Page<T>['edges'][number]>(`${name}Edge`).implement({
    description: `An item of a ${name}Connection.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Opaque; names this place in the list.' }),
      node: t.field({ type, description: 'The item.', resolve: (item) => item.node }),
    }),
  })
  return builder.objectRef<Page<T>>(`${name}Connection`).implement({
    description: `A page of a list of items of type ${name}.`,
    fields: (t) => ({
      edges: t.field({ type: [edge], description: 'The items with their cursors.', resolve: ({ edges }) => edges }),
      nodes: t.field({
        type: [type],
        description: 'The items alone.',
        resolve: ({ edges }) => edges.map((item) => item.node),
      }),
      pageInfo: t.expose('pageInfo', { type: PageInfoRef, description: 'Where the page stands.' }),
    }),
  })
}
