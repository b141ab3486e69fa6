import { join, relative } from 'node:path'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import { API, type Type } from 'typescript/unstable/sync'

/** A program of TypeScript as its compiler sees it, for rules that no linter has. */
export interface SourceProgram {
  /** All nodes of its files, with the path of each file within the program's folder. */
  readonly nodes: readonly SourceNode[]
  /** What the compiler knows of these nodes, in their order. */
  typesOf(nodes: readonly Node[]): readonly (Type | undefined)[]
  close(): void
}

/** A node, and where it stands. */
export interface SourceNode {
  file: string
  node: Node
}

/** Opens the files below `folder/src` of the program that `folder/tsconfig.json` describes. */
export function openSourceProgram(folder: string): SourceProgram {
  const api = new API({ cwd: folder })
  const config = join(folder, 'tsconfig.json')
  const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
  if (project === undefined) throw new Error(`There is no project ${config}`)
  const { program, checker } = project
  const names = project.rootFiles.filter((name) => relative(folder, name).startsWith('src/'))
  const files = names.map((name) => program.getSourceFile(name)).filter((file) => file !== undefined)
  return {
    nodes: files.flatMap((file) => nodesOf(file, relative(folder, file.fileName))),
    typesOf: (nodes) => checker.getTypeAtLocation(nodes),
    close: () => api.close(),
  }
}

function nodesOf(source: SourceFile, file: string): SourceNode[] {
  const nodes: SourceNode[] = []
  const add = (node: Node): void => {
    nodes.push({ file, node })
    node.forEachChild(add)
  }
  source.forEachChild(add)
  return nodes
}
