// `prepack` of a package that is published: compiles what `src/index.ts` reaches into `dist/`, with types, and puts the
// licence beside it. `npm pack` and `npm publish` in the folder of the package run it, `publish` also where scripts are
// off (publishConfig). test/package packs and tries both.
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
rmSync('dist', { recursive: true, force: true })
copyFileSync(path.join(root, 'LICENSE'), 'LICENSE')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
process.exit(status ?? 1)
