// `prepack` of a package that is published: compiles what `src/index.ts` reaches into `dist/`, with types, and puts the
// licence beside it. Run in the folder of the package, as `npm pack --ignore-scripts=false -w @safeconduct/<name>` does
// (scripts are off by default here). test/package packs and tries both.
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
rmSync('dist', { recursive: true, force: true })
copyFileSync(path.join(root, 'LICENSE'), 'LICENSE')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
process.exit(status ?? 1)
