import fc from 'fast-check'
import { buildSchema, type GraphQLSchema, isObjectType } from 'graphql'

/** What fields are resolved on; the dice of a place always fall alike. */
export interface Source {
  path: string
  dice: (place: string, sides: number) => number
}

const FIELDS = `
  text: String
  need: String!
  number: Int!
  own: String
  mustOwn: Int!
  ownList: [String!]
  echo(first: Int! = 2, tag: String): String
  node: Node
  must: Node!
  nodes: [Node]
  all: [Node!]!
  grid: [[Int!]]
  thing: Thing
  things: [Thing!]
  any: Any
  tested: Tested
`

const FRAGMENTS = `
  fragment OnNode on Node { text must { need own } ...OnThing }
  fragment OnThing on Thing { need ... on Node { number } }
`

/** A schema with each kind of type, whose fields give anything that a resolver can give. */
export function createWorldSchema(): GraphQLSchema {
  const made = buildSchema(`
    union Any = Node | Other
    type Tested { need: String! own: String }
    interface Thing { need: String! own: String }
    type Query { ${FIELDS} }
    type Mutation { ${FIELDS} }
    type Node implements Thing { ${FIELDS} }
    type Other implements Thing { need: String! own: String text: String }
  `)
  for (const type of ['Query', 'Mutation', 'Node', 'Other', 'Tested'].map((name) => made.getType(name))) {
    for (const field of Object.values(isObjectType(type) ? type.getFields() : {})) {
      if (/own/i.test(field.name)) continue
      field.resolve = (source: Source, args, _, info) => {
        const place = `${source.path}.${String(info.path.key)}${JSON.stringify(args)}`
        return outcome(source, place, () => makeValue(source, place, String(info.returnType), args))
      }
    }
  }
  const tested = made.getType('Tested')
  if (isObjectType(tested)) {
    tested.isTypeOf = ({ path, dice }: Source) => {
      const isOf = dice(`${path} is`, 4) > 0
      return dice(`${path} is late`, 2) === 1 ? Promise.resolve(isOf) : isOf
    }
  }
  return made
}

/** A value, or what may come instead of it; later, or at once. Items are there at once, since graphql-js leaves some that reject to nobody. */
function outcome(source: Source, place: string, value: () => unknown, isItem = false): unknown {
  const isLate = !isItem && source.dice(`${place} late`, 2) === 1
  const fault = source.dice(`${place} fault`, 10)
  const give = () => {
    if (fault === 0) return null
    if (fault === 1 && !isItem) throw new TypeError(`thrown at ${place}`)
    if (fault === 1) return new TypeError(`returned for ${place}`)
    if (fault === 2) return new Error(`returned at ${place}`)
    return value()
  }
  return isLate ? Promise.resolve().then(give) : give()
}

function makeValue(source: Source, place: string, type: string, args: object): unknown {
  const inner = /^\[(.*)\]!?$/.exec(type)?.[1]
  if (inner !== undefined) {
    return Array.from({ length: source.dice(place, 4) }, (_, index) => {
      const at = `${place}.${index}`
      return outcome(source, at, () => makeValue(source, at, inner, args), true)
    })
  }
  const scalar = type.replace('!', '')
  if (scalar === 'String') return `${place} ${JSON.stringify(args)}`
  if (scalar === 'Int') return source.dice(`${place} fits`, 12) === 3 ? 'no number' : source.dice(place, 100)
  const __typename =
    scalar === 'Thing' || scalar === 'Any' ? (['Node', 'Other', 'Nothing'] as const)[source.dice(place, 3) % 2] : scalar
  return { ...createSourceAt(place, source.dice), __typename }
}

/** The root of a world; of ten places that may be faulty `faults` throw their dice. */
export function createSource(seed: number, faults: number): Source {
  return createSourceAt('', (place, sides) => {
    let hash = seed
    for (const letter of place) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0
    const rolled = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 3) % sides
    const isFault = place.endsWith('fault')
    return isFault && (Math.imul(hash, 0x297a2d39) >>> 5) % 10 >= faults ? 9 : rolled
  })
}

function createSourceAt(path: string, dice: Source['dice']) {
  const missing = dice(`${path} own fault`, 10) < 2
  return {
    path,
    dice,
    own: missing ? null : `own of ${path}`,
    mustOwn: missing ? undefined : dice(`${path} mustOwn`, 40),
    ownList: ['a', missing ? null : 'b'],
  }
}

/** Queries and mutations of that schema, most of them valid; `$n` is an Int and `$on` a Boolean. */
export function arbitraryQuery(): fc.Arbitrary<string> {
  const leaves = [
    'text',
    'need',
    'number',
    'own',
    'mustOwn',
    'ownList',
    'grid',
    '__typename',
    'echo',
    't: text',
    'n2: need',
    'text @include(if: $on)',
    'own @skip(if: $on)',
    'i: need @include(if: false)',
  ]
  const args = ['e1: echo(first: 4)', 'e2: echo(tag: "x", first: $n)', 'e3: echo(tag: null)', 'e4: echo(first: $n)']
  const { selection } = fc.letrec<{ selection: string; field: string }>((tie) => ({
    field: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'depth' },
      fc.constantFrom(...leaves, ...args),
      fc
        .tuple(fc.constantFrom('node', 'must', 'nodes', 'all', 'm2: must', 'a2: all'), tie('selection'))
        .map(([field, inner]) => `${field} { ${inner} }`),
      fc.constantFrom(
        'thing { ...OnThing __typename }',
        'things { own ...OnNode ... on Other { text } }',
        'node { ...OnNode }',
        'must { ...OnNode @skip(if: $on) ... @include(if: $on) { number } }',
        'any { __typename ... on Node { number must { own } } ... on Other { text } }',
        'tested { need own }',
      ),
    ),
    selection: fc.array(tie('field'), { minLength: 1, maxLength: 5, depthIdentifier: 'depth' }).map((f) => f.join(' ')),
  }))
  return fc.tuple(selection, fc.constantFrom('query', 'mutation')).map(([fields, kind]) => {
    const used = fields.includes('...On') ? FRAGMENTS : ''
    const wrapped = used ? `${fields} node { ...OnNode }` : fields
    const variables = ['$n: Int!', '$on: Boolean!'].filter((each) => fields.includes(each.split(':', 1)[0] ?? ''))
    return `${kind}${variables.length > 0 ? ` (${variables.join(', ')})` : ''} { ${wrapped} } ${used}`
  })
}
